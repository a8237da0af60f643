public import Datasets
public import Foundation
import ModelFormats
public import Tokenization

/// Text of a pre-training run: a task of kind `masked_lm`, or plain text files.
public struct PretrainingText {
  /// The task with every setting of the run.
  public var task: TaskDefinition
  /// The training texts.
  public let inputs: [String]
  /// The validation text; nil for none.
  public let validation: String?
  private let badRows: BadRowPolicy
  private let wordList: URL?

  /// The text of a task.
  ///
  /// - Parameters:
  ///   - reader: The task's files.
  ///   - masking: How tokens are hidden; nil takes the task's settings.
  ///   - ownsWordList: Whether the list of words is named by its path, and not as the task's file names it.
  ///   - isFresh: Whether the model starts from random values, which suits other settings.
  /// - Throws: `DatasetError` for a task of another kind, and for files that cannot be read.
  public init(
    _ reader: TaskReader, masking: MaskingSettings? = nil, ownsWordList: Bool = false, isFresh: Bool
  ) throws {
    let kind = MaskedWords().kind
    guard reader.task.kind == kind else {
      throw DatasetError.wrongKind(
        task: reader.task.name, kind: reader.task.kind.rawValue, expected: [kind.rawValue])
    }
    try self.init(
      reader.task, inputs: [try reader.openTexts(.train).path],
      validation: reader.task.validationFile == nil ? nil : try reader.openTexts(.validation).path,
      masking: masking ?? reader.task.masking, wordFolder: ownsWordList ? nil : reader.folder,
      badRows: reader.badRows, isFresh: isFresh)
  }

  /// The text of plain files.
  ///
  /// - Parameters:
  ///   - files: The training texts.
  ///   - validation: The validation text; nil for none.
  ///   - maxLength: The longest sequence, special tokens included.
  ///   - masking: How tokens are hidden.
  ///   - badRows: What is done with lines that are not UTF-8.
  ///   - isFresh: Whether the model starts from random values, which suits other settings.
  /// - Throws: `DatasetError` for files that cannot be read, and for settings that make no sense.
  public init(
    files: [String], validation: String? = nil, maxLength: Int = 128,
    masking: MaskingSettings = MaskingSettings(), badRows: BadRowPolicy = .fail, isFresh: Bool
  ) throws {
    let task = TaskDefinition(
      name: "pretrain", kind: MaskedWords().kind, trainFile: files.first.map { DataFile($0) },
      validationFile: validation.map { DataFile($0) }, maxSequenceLength: maxLength)
    try self.init(
      task, inputs: files, validation: validation, masking: masking, wordFolder: nil, badRows: badRows,
      isFresh: isFresh)
  }

  /// - Parameter wordFolder: The folder that the path of the task's own list of words is relative to.
  private init(
    _ definition: TaskDefinition, inputs: [String], validation: String?, masking: MaskingSettings,
    wordFolder: URL?, badRows: BadRowPolicy, isFresh: Bool
  ) throws {
    (task, self.inputs, self.validation, self.badRows) = (definition, inputs, validation, badRows)
    // What cannot be read is found before anything is made.
    _ = try TextFiles(paths: inputs + (validation.map { [$0] } ?? []))
    task.masking = masking
    wordList = masking.wordListFile.map { path in
      guard let wordFolder, path == definition.masking.wordListFile, !path.hasPrefix("/") else {
        return URL(filePath: path)
      }
      return wordFolder.appending(path: path)
    }
    task.masking.wordListFile = wordList?.path(percentEncoded: false)
    try task.validate()
    task.defaults = Self.defaults(task.defaults, isFresh: isFresh)
  }

  /// Defaults of masked language models where the task does not say.
  private static func defaults(_ task: TaskDefaults, isFresh: Bool) -> TaskDefaults {
    var defaults = task
    defaults.learningRate = task.learningRate ?? (isFresh ? 5e-4 : 5e-5)
    defaults.perDeviceTrainBatchSize = task.perDeviceTrainBatchSize ?? 32
    defaults.perDeviceEvalBatchSize = task.perDeviceEvalBatchSize ?? 32
    defaults.warmupRatio = task.warmupRatio ?? 0.06
    defaults.weightDecay = task.weightDecay ?? 0.01
    return defaults
  }

  /// Masker of the text's tokens.
  ///
  /// - Throws: `DatasetError` for a list of words that cannot be read, and a tokenizer without a mask.
  public func masker(_ tokenizer: any Tokenizer) throws -> TokenMasker {
    try TokenMasker(
      tokenizer: tokenizer, probability: task.masking.probability, wholeWords: task.masking.wholeWords,
      segmenter: wordList.map { url throws(DatasetError) in try WordSegmenter(contentsOf: url) })
  }

  /// A split as sequences of tokens, in a file of the run folder.
  ///
  /// - Parameters:
  ///   - paths: The texts.
  ///   - limit: The largest number of sequences; nil takes all.
  ///   - model: What reads them.
  ///   - file: Where they are kept; one that holds them already is used as it is.
  ///   - listener: Hears how many there are.
  /// - Throws: `DatasetError`, `FormatError`.
  public func corpus(
    _ paths: [String], limit: Int?, for model: PretrainingModel, in file: URL,
    listener: any WorkListener = SilentListener()
  ) throws -> TokenizedCorpus {
    let source = CorpusSource(
      paths: paths, maxLength: min(task.maxSequenceLength, model.lengthLimit),
      isLineByLine: task.masking.isLineByLine, limit: limit, badRows: badRows)
    var isMade = false
    let corpus = try TokenizedCorpus.open(
      file, of: source, tokenizer: model.tokenizer, directory: model.tokenizerFolder
    ) { done, total in
      isMade = true
      listener.progress("Tokenizing (kB)", done: done >> 10, total: max(1, total >> 10))
    }
    listener.progressEnded()
    listener.note(
      "\(paths.joined(separator: ", ")): \(grouped(corpus.count)) sequences, \(grouped(corpus.tokenCount)) tokens"
        + (corpus.skippedLineCount > 0
          ? "; lines left out, which are not UTF-8: \(grouped(corpus.skippedLineCount))" : "")
        + (isMade ? "" : " (tokenized before)"))
    return corpus
  }
}
