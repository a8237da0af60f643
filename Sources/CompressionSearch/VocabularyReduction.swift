public import Compression
import Encoders
import Foundation
import ModelFormats
public import Tasks
import Tokenization

/// Cut of a model's vocabulary to some languages, for any model and without rows: nothing is trained or measured.
///
/// Texts of these languages keep their tokens, so that everything the model says of them stays as it was. A folder of
/// sentence-transformers stays one.
public struct VocabularyReduction {
  /// The model's folder as the user named it.
  public let model: String
  /// The languages whose tokens stay.
  public let languages: [Language]

  /// Files that say how sentence-transformers pools what the model gives.
  private static let poolingFiles = [
    "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json",
  ]

  /// A cut to languages.
  public init(of model: String, to languages: [Language]) {
    (self.model, self.languages) = (model, languages)
  }

  /// The languages of steps that a model without rows can take; nil where one of them needs more.
  public static func languages(of steps: [CompressionStep]) -> [Language]? {
    let languages = steps.flatMap(\.languages)
    return steps.allSatisfy { $0.kind == .vocab } && !languages.isEmpty ? languages : nil
  }

  /// Makes the smaller model and writes its folder.
  ///
  /// - Returns: What was cut.
  /// - Throws: What loading, cutting and writing throw; `TaskError` for a model in 8-bit integers.
  public func run(
    writing folder: OutputFolder, _ listener: any WorkListener = SilentListener()
  ) throws -> CompressionReport {
    let whole = try TokenizedModel(model, listener: listener, load: TaskModel.stored)
    if whole.model.isQuantized {
      throw TaskError("\(model) is a model of 8-bit integers; give the float model that it was made of")
    }
    let cutting = VocabularyCutting(to: [], languages: Set(languages))
    let cut = try cutting(CompressedModel(whole.model, tokenizer: whole.tokenizer), rows: nil)
    let source = try ModelLocation(model, listener: listener).folder
    try folder.addFiles(as: "compress") { aside in
      try cut.model.save(to: aside, tokenizer: cut.tokenizer)
      for name in Self.poolingFiles {
        let file = source.appending(path: name)
        guard FileManager.default.fileExists(atPath: file.path) else { continue }
        try FolderLink.check(file, in: source)
        let copy = aside.appending(path: name)
        try FileManager.default.createDirectory(
          at: copy.deletingLastPathComponent(), withIntermediateDirectories: true)
        try JSONValue(contentsOfRegularFile: file).write(to: copy)
      }
    }
    let record = ProvenanceRecord(
      in: folder.url, of: [ProvenanceInput("model", model)], by: listener.invocation)
    try record.write()
    guard let report = cut.reports.last else { preconditionFailure("What was cut has a report.") }
    return report
  }
}
