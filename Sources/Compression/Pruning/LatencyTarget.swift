import Datasets
public import Encoders
import ModelFormats
import Tasks
import Tensors

extension PruningTarget {
  /// Target of a latency on this machine: the largest share of some parts with which one row takes no longer.
  ///
  /// Models of the sizes in question are made with random weights and timed on the rows one by one, as
  /// `ModelMeasurement` does; what they answer does not matter. Shares are twentieths.
  ///
  /// - Parameters:
  ///   - milliseconds: The median time of one row.
  ///   - parts: What may be cut.
  ///   - model: The model to prune.
  ///   - rows: Rows of the task, whose lengths decide; the first sixty are timed.
  ///   - form: The form in which the model is to come out.
  /// - Throws: `CompressionError.request` for a time that the smallest share does not reach, with that time.
  public static func latency(
    _ milliseconds: Double, cutting parts: Set<PrunedPart>, of model: TaskModel, on rows: CompressionRows,
    form: PrunedForm = .loadable
  ) throws(CompressionError) -> PruningTarget {
    guard milliseconds > 0, milliseconds.isFinite else {
      throw .request("latency: found \(milliseconds) ms, expected a time above 0")
    }
    guard !rows.examples.isEmpty else { throw .request("latency: needs rows to time the model on") }
    let found = try largestShare(of: parts, from: model.config, form: form, costing: milliseconds) {
      config throws(CompressionError) in
      try measuredLatency(of: config, on: rows)
    }
    guard found.cost <= milliseconds else {
      func shown(_ time: Double) -> String { "\((time * 100).rounded() / 100)" }
      throw .request(
        "latency: cutting \(parts.map(\.rawValue).sorted().joined(separator: ", ")) reaches \(shown(found.cost)) ms, expected "
          + "\(shown(milliseconds)); ask for more, or cut other parts too")
    }
    return .share(found.share, of: parts)
  }

  /// The largest share of some parts, in twentieths, whose configuration costs no more than wanted, and what it costs.
  ///
  /// - Parameters:
  ///   - parts: What may be cut.
  ///   - config: The configuration of the model.
  ///   - form: The form in which the model is to come out.
  ///   - wanted: The cost.
  ///   - least: The least twentieths, which are the answer where even they cost more.
  ///   - cost: Cost of a configuration, which falls with the share.
  package static func largestShare(
    of parts: Set<PrunedPart>, from config: EncoderConfig, form: PrunedForm, costing wanted: Double,
    least: Int = 1, _ cost: (EncoderConfig) throws(CompressionError) -> Double
  ) throws(CompressionError) -> (share: Double, cost: Double) {
    func costs(_ twentieths: Int) throws(CompressionError) -> Double {
      let pruning = StructuredPruning(to: .share(Double(twentieths) / 20, of: parts), form: form)
      return try cost(try pruning.plan(for: config))
    }
    var (fitting, tooLarge) = (least, 21)
    var known: Double?
    while tooLarge - fitting > 1 {
      let middle = (fitting + tooLarge) / 2
      let found = try costs(middle)
      if found <= wanted { (fitting, known) = (middle, found) } else { tooLarge = middle }
    }
    if let known { return (Double(fitting) / 20, known) }
    return (Double(fitting) / 20, try costs(fitting))
  }

  /// Milliseconds of one row, the median, by a model of a configuration with random weights.
  package static func measuredLatency(
    of config: EncoderConfig, on rows: CompressionRows
  ) throws(CompressionError) -> Double {
    let model = try StructuredPruning.model { () throws(ModelError) in try TaskModel(config: config, seed: 0)
    }
    return ModelMeasurement.latency(of: model, on: rows.examples)
  }
}
