import Datasets
public import Encoders
import Kernels
import ModelFormats
import Tensors

/// Quantisation of a model's matrices to 8-bit integers, without calibration (`TaskModel.quantized(keeping:)`).
public struct Quantization: CompressionMethod {
  /// Matrices that stay floats: runs of whole components of a parameter's name, such as `output.dense` or `embeddings`.
  public var keeping: [String]

  /// Quantisation of all matrices but some.
  public init(keeping: [String] = []) { self.keeping = keeping }

  /// The name `int8`.
  public var name: String { "int8" }
  /// False: nothing is calibrated.
  public var needsRows: Bool { false }

  /// Quantises a model.
  ///
  /// - Throws: `CompressionError.model` for a model that has no such form, or an entry of `keeping` that fits nothing.
  public func callAsFunction(_ model: CompressedModel, rows: CompressionRows?) throws -> CompressedModel {
    let small = try StructuredPruning.model { () throws(ModelError) in
      try model.model.quantized(keeping: keeping)
    }
    return model.becoming(
      small, by: name,
      notes: ["\(megabytes(model.model.byteCount)) → \(megabytes(small.byteCount)) MB as the file holds them"]
        + (keeping.isEmpty ? [] : ["floats: \(keeping.joined(separator: ", "))"]))
  }
}

/// Search for the matrices that must stay floats so that a model in 8-bit integers is nearly as good as before.
///
/// Each matrix alone is quantised, and the squared difference of the logits on some rows, divided by the number of its values, is
/// its sensitivity: what it costs for what it saves. The most sensitive ones stay floats: none at first, then 1, 2, 4 and so on
/// until the score is good enough, then as few as do.
public struct QuantizationSearch {
  /// The most that the score may fall, in the score's own unit.
  public var maxDrop: Double
  /// Matrices that stay floats in any case.
  public var keeping: [String]

  /// A search with what the score may lose.
  public init(maxDrop: Double, keeping: [String] = []) {
    precondition(maxDrop >= 0, "A score may fall by 0 or more, found \(maxDrop).")
    (self.maxDrop, self.keeping) = (maxDrop, keeping)
  }

  /// Result of a search.
  public struct Result {
    /// The model in integers; nil where no matrix can be one.
    public let model: CompressedModel?
    /// Score of that model, of the model before where there is none.
    public let score: Double
    /// Names of the matrices that had to stay floats, the most sensitive one first.
    public let kept: [String]
    /// The number of models that were scored.
    public let scored: Int
  }

  /// Searches.
  ///
  /// - Parameters:
  ///   - model: The float model, which keeps its values.
  ///   - before: Its score; larger is better.
  ///   - rows: Rows on which sensitivity is measured; a hundred are enough.
  ///   - score: Scores a model on validation rows; larger is better.
  /// - Throws: `CompressionError.model` for a model that has no such form, or an entry of `keeping` that fits nothing; what
  ///   scoring throws.
  public func callAsFunction(
    _ model: CompressedModel, before: Double, rows: CompressionRows, score: (TaskModel) throws -> Double
  ) throws -> Result {
    var scored = 0
    func attempt(_ kept: [String]) throws -> (model: CompressedModel, score: Double) {
      let small = try Quantization(keeping: keeping + kept)(model, rows: nil)
      scored += 1
      return (small, try score(small.model))
    }
    let whole = try attempt([])
    if before - whole.score <= maxDrop {
      return Result(model: whole.model, score: whole.score, kept: [], scored: scored)
    }
    let order = try sensitivities(of: model.model, on: rows).map(\.name)
    var (failing, passing) = (0, order.count)
    var best: (model: CompressedModel, score: Double)?
    var count = 1
    while passing - failing > 1 {
      // Doubling until one passes, then halves of what lies between.
      let tried = best == nil ? min(count, order.count - 1) : (failing + passing) / 2
      let found = try attempt(Array(order.prefix(tried)))
      if before - found.score <= maxDrop { (best, passing) = (found, tried) } else { failing = tried }
      count *= 2
    }
    return Result(
      model: best?.model, score: best?.score ?? before, kept: Array(order.prefix(passing)), scored: scored)
  }

  /// The mean squared difference of logits with one matrix in integers, by its values, for each matrix, the largest first.
  ///
  /// - Throws: `CompressionError.model`.
  public func sensitivities(
    of model: TaskModel, on rows: CompressionRows
  ) throws -> [(name: String, error: Double)] {
    let batches = rows.batches.map(\.tokens)
    func logits(_ model: TaskModel) -> [Float] {
      batches.flatMap { model($0, in: .inference).logits.values }
    }
    let expected = logits(model)
    let modules = model.quantizableModules()
    let found = try model.quantizableModules(keeping: keeping).map { name in
      let others = modules.filter { $0 != name }
      let values = try StructuredPruning.model { () throws(ModelError) in
        logits(try model.quantized(keeping: others))
      }
      let error = zip(values, expected).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
      let size = model.parameters.reduce(0) { $0 + ($1.name.hasPrefix(name + ".") ? $1.count : 0) }
      return (name: name, error: error / Double(max(1, expected.count)) / Double(max(1, size)))
    }
    return found.sorted { ($1.error, $0.name) < ($0.error, $1.name) }
  }
}
