import Encoders
import Foundation
import ModelFormats
public import Tasks
import Tokenization

/// Format in which other programs take a model.
public enum ExportFormat: String, Sendable, CaseIterable {
  /// Open Neural Network Exchange, for ONNX Runtime and what is built on it.
  case onnx
  /// `config.json` and `model.safetensors` as `transformers` 5 builds the model, with whole matrices of floats in layers alike.
  case transformers
}

/// Numbers that the weights of an exported model are held in, as benchmarks and transformers.js call them.
public enum ExportPrecision: String, Sendable, CaseIterable {
  /// 32-bit floats.
  case fp32
  /// 8-bit integers with a scale for each output and each word (`TaskModel.quantized`).
  case int8

  /// Name of an ONNX file in the folder.
  package var modelFile: String {
    switch self {
    case .fp32: "onnx/model.onnx"
    case .int8: "onnx/model_quantized.onnx"
    }
  }

  /// The name by which transformers.js chooses the file.
  fileprivate var scriptName: String {
    switch self {
    case .fp32: "fp32"
    case .int8: "q8"
    }
  }

  /// The precision of a model as it is held.
  fileprivate init(of model: TaskModel) { self = model.isQuantized ? .int8 : .fp32 }

  /// A model with its weights in this precision; itself where they are.
  fileprivate func held(_ model: TaskModel) throws(ModelError) -> TaskModel {
    switch self {
    case .fp32: model.isQuantized ? try model.dequantized() : model
    case .int8: model.isQuantized ? model : try model.quantized()
    }
  }
}

/// Export of a model for other programs: a folder with the model in their format, its `config.json` and its tokenizer.
public struct ModelExport {
  /// Model and tokenizer.
  public let model: TokenizedModel
  /// The format.
  public let format: ExportFormat
  /// Numbers that the weights are held in.
  public let precision: ExportPrecision
  /// The most bytes of an ONNX file before its weights go to a second one.
  package var largestFile = ONNXFile.largestMessage
  /// The model in that precision.
  private let held: TaskModel

  /// The export of a model in memory.
  ///
  /// - Parameter precision: Numbers that the weights are held in; nil takes the model's, and for `transformers` floats.
  /// - Throws: `TaskError` for a model that has no 8-bit integers, for a family that `transformers` does not have, and for 8-bit
  ///   integers in its form.
  public init(
    _ model: TokenizedModel, as format: ExportFormat, precision: ExportPrecision? = nil
  ) throws(TaskError) {
    (self.model, self.format) = (model, format)
    do throws(ModelError) {
      switch format {
      case .onnx:
        self.precision = precision ?? ExportPrecision(of: model.model)
        held = try self.precision.held(model.model)
      case .transformers:
        self.precision = .fp32
        if let precision, precision != .fp32 {
          throw .request("transformers does not read Potstill's \(precision.rawValue); leave --precision out")
        }
        held = try model.model.inTransformersForm()
      }
    } catch {
      throw TaskError("\(model.path): \(error)")
    }
  }

  /// Loads a folder to export it.
  ///
  /// - Parameters:
  ///   - path: The folder, or the name of a model in the Hugging Face cache.
  ///   - format: The format.
  ///   - precision: Numbers that the weights are held in; nil takes the folder's.
  ///   - allowsNonFinite: Whether weights that are NaN or infinite are only warned of.
  ///   - listener: Hears what is odd about the model.
  /// - Throws: `TaskError`; what loading throws.
  public init(
    _ path: String, as format: ExportFormat, precision: ExportPrecision? = nil, allowsNonFinite: Bool = false,
    listener: any WorkListener = SilentListener()
  ) throws {
    let model = try TokenizedModel(path)
    try model.model.checkNumbers(path, allowsNonFinite: allowsNonFinite, listener: listener)
    try self.init(model, as: format, precision: precision)
    model.noteRepeatedTokens(on: listener)
    guard format == .onnx else { return }
    if model.model.startsWithFreshHead {
      listener.warn("\(path) has no trained head, so its last hidden states are exported alone")
    }
    if !model.model.config.architecture.isOfTransformers {
      listener.warn(
        "transformers does not know models of the type \(model.model.config.architecture.rawValue), so programs that build "
          + "on its classes (optimum, transformers.js) refuse the folder; ONNX Runtime itself runs the model")
    }
  }

  /// Writes the files into a folder; one that is new is there whole or not at all, and in one that exists files of other names
  /// stay.
  ///
  /// - Returns: The names of the files, in the folder.
  /// - Throws: `TaskError` when the folder cannot be made, `FormatError.cannotWrite`, `TokenizerError` where the tokenizer
  ///   cannot be written.
  @discardableResult
  public func write(to folder: OutputFolder) throws -> [String] {
    var names: [String] = []
    try folder.addFiles(as: "export") { names = try fill($0) }
    return names
  }

  /// Writes the files into an empty folder.
  private func fill(_ folder: URL) throws -> [String] {
    switch format {
    case .onnx:
      try writeONNX(to: folder)
      try model.tokenizer.limited(to: model.model.config.maxPositions).save(to: folder)
    case .transformers: try held.save(to: folder, tokenizer: model.tokenizer)
    }
    return try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
      var isFolder: ObjCBool = false
      let path = folder.appending(path: $0).path
      return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
    }.sorted()
  }

  // MARK: ONNX

  /// Writes the model and its `config.json` in the layout of transformers.js, which optimum reads too.
  private func writeONNX(to folder: URL) throws {
    let target = folder.appending(path: precision.modelFile)
    try FileManager.default.createDirectory(
      at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    // A copy has no report of a fresh head; the model itself has.
    let graph = held.graph(startsWithFreshHead: model.model.startsWithFreshHead)
    let file = ONNXFile(graph, producer: "potstill", producerVersion: LibraryVersion.current)
    let hasData = try file.write(to: target, limit: largestFile)
    var config = model.model.graphConfig
    // Without it transformers.js looks for `model_quantized.onnx` in a browser and for `model.onnx` elsewhere.
    var settings = config[Self.settingsKey]?.objectValue ?? JSONObject()
    settings["dtype"] = .string(precision.scriptName)
    settings["use_external_data_format"] = hasData ? true : nil
    config[Self.settingsKey] = .object(settings)
    try JSONValue.object(config).write(to: folder.appending(path: "config.json"))
    switch precision {
    case .fp32: break
    case .int8:
      try Self.runtimeConfiguration(hasData: hasData).write(to: folder.appending(path: "ort_config.json"))
    }
  }

  /// `ort_config.json` as optimum writes it beside a model that it has quantised (`ORTConfig`, `QuantizationConfig`).
  private static func runtimeConfiguration(hasData: Bool) -> JSONValue {
    [
      "one_external_file": true, "opset": .integer(ONNXGraph.operatorSet), "optimization": [:],
      "quantization": [
        "activations_dtype": "QUInt8", "activations_symmetric": false, "format": "QOperator",
        "is_static": false, "mode": "IntegerOps", "nodes_to_exclude": [], "nodes_to_quantize": [],
        "operators_to_quantize": ["MatMul", "Gather"], "per_channel": true, "qdq_add_pair_to_weight": false,
        "qdq_dedicated_pair": false, "qdq_op_type_per_channel_support_to_axis": ["MatMul": 1],
        "reduce_range": false, "weights_dtype": "QInt8", "weights_symmetric": true,
      ],
      "use_external_data_format": .bool(hasData),
    ]
  }

  /// Key of what transformers.js reads in `config.json`.
  private static let settingsKey = "transformers.js_config"
}
