import Encoders
import Foundation
import ModelFormats
public import Tasks
import Tokenization

/// Format of files that other programs run a model from.
public enum ExportFormat: String, Sendable, CaseIterable {
  /// Open Neural Network Exchange, for ONNX Runtime and what is built on it.
  case onnx
}

/// Export of a model for other programs: a folder with the model in their format, its `config.json` and its tokenizer.
public struct ModelExport {
  /// Model and tokenizer.
  public let model: TokenizedModel
  /// The format.
  public let format: ExportFormat
  /// The most bytes of an ONNX file before its weights go to a second one.
  package var largestFile = ONNXFile.largestMessage

  /// The export of a model in memory.
  public init(_ model: TokenizedModel, as format: ExportFormat) {
    (self.model, self.format) = (model, format)
  }

  /// Loads a folder to export it.
  ///
  /// - Parameters:
  ///   - path: The folder, or the name of a model in the Hugging Face cache.
  ///   - format: The format.
  ///   - allowsNonFinite: Whether weights that are NaN or infinite are only warned of.
  ///   - listener: Hears what is odd about the model.
  /// - Throws: `TaskError`; what loading throws.
  public init(
    _ path: String, as format: ExportFormat, allowsNonFinite: Bool = false,
    listener: any WorkListener = SilentListener()
  ) throws {
    self.init(try TokenizedModel(path), as: format)
    try model.model.checkNumbers(path, allowsNonFinite: allowsNonFinite, listener: listener)
    model.noteRepeatedTokens(on: listener)
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
    if FileManager.default.fileExists(atPath: folder.url.path) {
      try folder.create()
      try AtomicFolder.addFiles(to: folder.url, as: "export") { names = try fill($0) }
    } else {
      try AtomicFolder.write(folder.url) { names = try fill($0) }
    }
    return names
  }

  /// Writes the files into an empty folder.
  private func fill(_ folder: URL) throws -> [String] {
    switch format {
    case .onnx: try writeONNX(to: folder)
    }
    try model.tokenizer.limited(to: model.model.config.maxPositions).save(to: folder)
    return try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
      var isFolder: ObjCBool = false
      let path = folder.appending(path: $0).path
      return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
    }.sorted()
  }

  // MARK: ONNX

  /// Writes the model and its `config.json` in the layout of transformers.js, which optimum reads too.
  private func writeONNX(to folder: URL) throws {
    let target = folder.appending(path: Self.modelFile)
    try FileManager.default.createDirectory(
      at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    let file = ONNXFile(model.model.graph(), producer: "potstill", producerVersion: LibraryVersion.current)
    let hasData = try file.write(to: target, limit: largestFile)
    var config = model.model.graphConfig
    // Without it transformers.js looks for a file of whole numbers, `model_quantized.onnx`.
    var settings = config[Self.settingsKey]?.objectValue ?? JSONObject()
    settings["dtype"] = "fp32"
    settings["use_external_data_format"] = hasData ? true : nil
    config[Self.settingsKey] = .object(settings)
    try JSONValue.object(config).write(to: folder.appending(path: "config.json"))
  }

  /// Name of the model in the folder.
  package static let modelFile = "onnx/model.onnx"
  /// Key of what transformers.js reads in `config.json`.
  private static let settingsKey = "transformers.js_config"
}
