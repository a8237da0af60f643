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
    let found = try ShareSearch.largest(costing: milliseconds) { share throws(CompressionError) in
      let pruning = StructuredPruning(to: .share(share, of: parts), form: form)
      return try measuredLatency(of: try pruning.plan(for: model.config), on: rows)
    }
    guard found.cost <= milliseconds else {
      func shown(_ time: Double) -> String { "\((time * 100).rounded() / 100)" }
      throw .request(
        "latency: cutting \(parts.map(\.rawValue).sorted().joined(separator: ", ")) reaches \(shown(found.cost)) ms, expected "
          + "\(shown(milliseconds)); ask for more, or cut other parts too")
    }
    return .share(found.share, of: parts)
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

/// Search for the largest share that costs no more than is wanted.
package enum ShareSearch {
  /// The largest share in twentieths, and what it costs.
  ///
  /// - Parameters:
  ///   - wanted: The cost.
  ///   - least: The least twentieths, which are the answer where even they cost more.
  ///   - most: The most.
  ///   - cost: Cost of a share, which falls with it.
  package static func largest(
    costing wanted: Double, least: Int = 1, most: Int = 20,
    _ cost: (Double) throws(CompressionError) -> Double
  ) throws(CompressionError) -> (share: Double, cost: Double) {
    var (fitting, tooLarge) = (least, most + 1)
    var known: Double?
    while tooLarge - fitting > 1 {
      let middle = (fitting + tooLarge) / 2
      let found = try cost(Double(middle) / 20)
      if found <= wanted { (fitting, known) = (middle, found) } else { tooLarge = middle }
    }
    let share = Double(fitting) / 20
    if let known { return (share, known) }
    return (share, try cost(share))
  }
}
