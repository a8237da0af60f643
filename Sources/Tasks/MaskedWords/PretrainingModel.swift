public import Encoders
public import Foundation
public import ModelFormats
public import Tokenization

/// Masked language model to train, with its tokenizer.
public struct PretrainingModel {
  /// The model.
  public let model: TaskModel
  /// Tokenizer of its texts.
  public let tokenizer: any Tokenizer
  /// Folder of the tokenizer's files.
  public let tokenizerFolder: URL

  /// Loads the model of a Hugging Face directory; a missing head starts fresh.
  ///
  /// - Parameter tokenizer: Another folder for the tokenizer than the model's.
  public init(directory: String, tokenizer folder: String?, seed: UInt64) throws {
    let location = try ModelLocation(directory).folder
    tokenizerFolder = try folder.map { try ModelLocation($0, part: .tokenizer).folder } ?? location
    tokenizer = try loadTokenizer(directory: tokenizerFolder)
    model = try TaskModel(
      directory: location, head: MaskedWords().head,
      seed: seed)
    try model.checkAsStart(directory)
    if let fault = model.config.fault(of: tokenizer) {
      throw TaskError("\(folder ?? directory) and \(directory): \(fault)")
    }
  }

  /// Makes a model with random values.
  ///
  /// - Parameters:
  ///   - shape: A preset such as `T4-tiny`, a `config.json`, or a folder that holds one; the vocabulary is the
  ///     tokenizer's whatever it says.
  ///   - tokenizer: The folder of the tokenizer.
  public init(shape: String, tokenizer folder: String, seed: UInt64) throws {
    tokenizerFolder = try ModelLocation(folder, part: .tokenizer).folder
    tokenizer = try loadTokenizer(directory: tokenizerFolder)
    let config = try Self.config(shape, tokenizer)
    try config.checkMemory(bytesPerParameter: 16, file: shape)
    if let fault = config.fault(of: tokenizer) { throw TaskError("\(shape) and \(folder): \(fault)") }
    model = try TaskModel(config: config, seed: seed)
  }

  /// Makes a model of some layers of a teacher, which reads the teacher's tokens.
  ///
  /// - Parameter shape: `T6` and the like, or `layers:0,5,11`.
  public init(student shape: String, of teacher: TokenizedModel) throws {
    let student = try StudentShape(shape)
    switch student {
    case .evenlySpaced, .layers, .selected: break
    case .preset, .wordStudent, .directory:
      throw TaskError(
        "--student \(shape): expected T6, T3 (any T<n>), first:3 or layers:0,5,11 of the teacher; a fresh shape is --config, "
          + "another model --model")
    }
    tokenizerFolder = try ModelLocation(teacher.path, part: .tokenizer).folder
    tokenizer = teacher.tokenizer
    model = try TaskModel.student(student, of: teacher.model)
  }

  private static func config(_ shape: String, _ tokenizer: any Tokenizer) throws -> EncoderConfig {
    let padding = tokenizer.padID.map { Int($0) }
    if case .preset(let preset) = try StudentShape(shape) {
      return preset.maskedLanguageModel(
        vocabularySize: tokenizer.idLimit, padTokenID: padding ?? 0,
        architecture: .reading(tokenizer))
    }
    var url = URL(filePath: shape)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: shape, isDirectory: &isFolder) else {
      let presets = StudentShape.Preset.allCases.map(\.rawValue).joined(separator: ", ")
      throw TaskError(
        "--config \(shape): no such shape and no such file; expected \(presets), or the path of a config.json"
      )
    }
    if isFolder.boolValue { url.append(path: "config.json") }
    var config = try EncoderConfig(json: try JSONValue(contentsOf: url), file: url.path)
    config.head = MaskedWords().head
    config.vocabularySize = tokenizer.idLimit
    config.padTokenID = padding ?? config.padTokenID
    return config
  }

  /// The longest sequence, special tokens included, that model and tokenizer allow.
  public var lengthLimit: Int {
    min(model.config.maxPositions, tokenizer.modelMaxLength ?? .max)
  }

  /// Writes the directory.
  ///
  /// - Parameter type: The type of the floats in the file; nil takes the model's.
  public func save(to url: URL, as type: SaveDType? = nil) throws {
    try model.save(to: url, tokenizer: tokenizer, as: type)
  }
}
