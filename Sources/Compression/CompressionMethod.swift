public import Datasets
public import Encoders
public import ModelFormats
import Tensors
public import Tokenization

/// Method that makes a smaller model of a model, with a report of what it cut.
///
/// The model that goes in keeps its values.
public protocol CompressionMethod: Sendable {
  /// Name of the method in reports.
  var name: String { get }
  /// Whether it needs rows to find out what the model can do without.
  var needsRows: Bool { get }

  /// Makes the smaller model.
  ///
  /// - Parameters:
  ///   - model: The model, with its tokenizer where the method needs one.
  ///   - rows: Rows of the model's task; only looked at by a method that needs them.
  /// - Throws: `CompressionError` for a request that cannot be met, before anything is computed where that can be told.
  func callAsFunction(_ model: CompressedModel, rows: CompressionRows?) throws -> CompressedModel
}

extension CompressionMethod {
  /// Makes a smaller model of a model without a tokenizer; see the other.
  public func callAsFunction(_ model: TaskModel, rows: CompressionRows? = nil) throws -> CompressedModel {
    try self(CompressedModel(model), rows: rows)
  }

  /// The rows, which a method that needs them must have.
  func required(_ rows: CompressionRows?) throws(CompressionError) -> CompressionRows {
    guard let rows, !rows.examples.isEmpty else {
      throw .request(
        "\(name): needs rows to find out what the model can do without; give some hundreds of its task")
    }
    return rows
  }
}

/// Model on its way to a smaller one, with reports of what was done to it.
public struct CompressedModel {
  /// The model.
  public let model: TaskModel
  /// Tokenizer whose ids it reads; nil where no method needs it.
  public let tokenizer: (any Tokenizer)?
  /// Reports of the methods that made it, in their order.
  public let reports: [CompressionReport]

  /// A model to begin with.
  public init(_ model: TaskModel, tokenizer: (any Tokenizer)? = nil) {
    self.init(model, tokenizer: tokenizer, reports: [])
  }

  /// A model with the reports so far.
  init(_ model: TaskModel, tokenizer: (any Tokenizer)?, reports: [CompressionReport]) {
    (self.model, self.tokenizer, self.reports) = (model, tokenizer, reports)
  }

  /// The model that a method has made of this one.
  func becoming(_ model: TaskModel, tokenizer: (any Tokenizer)? = nil, by method: String, notes: [String])
    -> CompressedModel
  {
    model.saveDType = self.model.saveDType
    let report = CompressionReport(
      method: method, before: ModelSize(self.model), after: ModelSize(model), notes: notes)
    return CompressedModel(model, tokenizer: tokenizer ?? self.tokenizer, reports: reports + [report])
  }
}

/// Rows of a task by which a method finds out what a model needs.
public struct CompressionRows: Sendable {
  /// The rows as the model reads them.
  public let examples: [EncodedExample]
  /// The rows that go through the model together.
  public let batchSize: Int

  /// Rows in batches of some size.
  public init(_ examples: [EncodedExample], batchSize: Int = 32) {
    precondition(batchSize > 0, "A batch needs at least one row, found \(batchSize).")
    (self.examples, self.batchSize) = (examples, batchSize)
  }

  /// The batches, in the order of the rows.
  var batches: [Batch] {
    stride(from: 0, to: examples.count, by: batchSize).map {
      Batch(examples, at: Array($0..<min($0 + batchSize, examples.count)))
    }
  }
}

/// Size of a model: its widths, layer by layer, and its values.
public struct ModelSize: Sendable, Equatable {
  /// Rows of the word table.
  public let vocabularySize: Int
  /// Features of a token.
  public let hiddenSize: Int
  /// Heads of each layer's attention; empty without attention.
  public let heads: [Int]
  /// Features between the feed-forward products of each layer; empty where there are none.
  public let intermediateSizes: [Int]
  /// The number of layers.
  public let layerCount: Int
  /// The number of values.
  public let parameters: Int
  /// Bytes that the values take in the model's file, whether they are zero or not.
  public let bytes: Int
  /// The number of values that are not zero.
  public let nonZero: Int

  /// The size of a model.
  public init(_ model: TaskModel) {
    let config = model.config
    (vocabularySize, hiddenSize, layerCount) = (config.vocabularySize, config.hiddenSize, config.layerCount)
    heads = config.attentionHeads > 0 ? config.headCounts : []
    intermediateSizes = config.intermediateSize > 0 ? config.feedForwardSizes : []
    parameters = model.parameterCount
    bytes = model.weights.fileBytes
    nonZero = model.parameters.reduce(0) { $0 + $1.values.count { $0 != 0 } }
  }

  /// The share of the values that are zero.
  public var sparsity: Double { parameters == 0 ? 0 : Double(parameters - nonZero) / Double(parameters) }
}

/// Report of what a method has cut.
public struct CompressionReport: Sendable, Equatable, CustomStringConvertible {
  /// Name of the method.
  public let method: String
  /// Size before.
  public let before: ModelSize
  /// Size after.
  public let after: ModelSize
  /// Sentences about what was cut and what it is good for.
  public let notes: [String]

  /// The report in some lines: widths that changed, then values and bytes, then notes.
  public var description: String {
    func list(_ sizes: [Int]) -> String {
      Set(sizes).count == 1 ? String(sizes[0]) : "[" + sizes.map(String.init).joined(separator: ", ") + "]"
    }
    var changes: [String] = []
    func add(_ name: String, _ before: String, _ after: String) {
      if before != after { changes.append("\(name) \(before) → \(after)") }
    }
    add("layers", String(before.layerCount), String(after.layerCount))
    add("hidden size", String(before.hiddenSize), String(after.hiddenSize))
    add("heads", list(before.heads), list(after.heads))
    add("feed-forward size", list(before.intermediateSizes), list(after.intermediateSizes))
    add("vocabulary", String(before.vocabularySize), String(after.vocabularySize))
    let zeros =
      after.nonZero - after.parameters == before.nonZero - before.parameters || after.sparsity < 0.0005
      ? "" : ", \(percent(after.sparsity)) of them zero"
    let values =
      "\(grouped(before.parameters)) → \(grouped(after.parameters)) parameters (\(percent(share)))\(zeros), "
      + "\(megabytes(before.bytes)) → \(megabytes(after.bytes)) MB"
    return
      ([method + ": " + (changes.isEmpty ? "" : changes.joined(separator: ", ") + "; ") + values] + notes)
      .joined(separator: "\n")
  }

  /// The share of the values that is left.
  public var share: Double { Double(after.parameters) / Double(max(1, before.parameters)) }

  private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
}

/// Error of a method that cannot do what it is asked.
public enum CompressionError: Error, Equatable, CustomStringConvertible {
  /// Request that cannot be met, with what to ask instead.
  case request(String)
  /// The model that would come out cannot be built.
  case model(ModelError)
  /// A job with faults, all of them.
  case faults([Fault])

  /// The error as a person reads it.
  public var description: String {
    switch self {
    case .request(let problem): problem
    case .model(let error): error.description
    case .faults(let faults):
      "The compression has \(faults.count) fault\(faults.count == 1 ? "" : "s"):\n"
        + faults.map { "  - \($0)" }.joined(separator: "\n")
    }
  }
}
