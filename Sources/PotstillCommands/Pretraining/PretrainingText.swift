import Foundation
import TaskData
import Tasks
import Tokenization

/// The text of a pre-training run: a task of kind `masked_lm`, from a recipe or made of the command's options.
struct PretrainingText {
  /// The task with every setting of the run.
  var task: TaskDefinition
  /// The training texts.
  let inputs: [String]
  /// The validation text; nil for none.
  let validation: String?
  private let badRows: BadRowPolicy
  private let wordList: URL?

  /// Takes the task of `--task`, or else a task over the files of `--input`.
  ///
  /// - Parameter isFresh: Whether the model starts from random values, which suits other settings.
  init(
    input: [String], options: TaskOptions, masking: MaskingOptions, isFresh: Bool, console: Console
  ) throws {
    badRows = options.skipBadRows ? .skip : .fail
    // The folder that a task's paths are relative to; those of options are relative to where the user is.
    var folder: URL?
    if options.task != nil {
      if !input.isEmpty {
        throw UsageError(
          "--input and --task are both given; the task names its files already, so leave one out")
      }
      let reader = try options.open(console, trainsMaskedModels: true)
      (task, folder) = (reader.task, reader.folder)
      let kind = MaskedWords().kind
      guard task.kind == kind else {
        throw TaskDataError.wrongKind(
          task: task.name, kind: task.kind.rawValue, expected: [kind.rawValue])
      }
      inputs = [try reader.openTexts(.train).path]
      validation = task.validationFile == nil ? nil : try reader.openTexts(.validation).path
    } else {
      // run_mlm calls its text --train_file.
      let files = input + (options.trainFile.map { [$0] } ?? [])
      task = TaskDefinition(
        name: "pretrain", kind: MaskedWords().kind, trainFile: files.first.map { DataFile($0) },
        validationFile: options.validationFile.map { DataFile($0) },
        maxSequenceLength: options.maxSeqLength ?? 128)
      inputs = files
      validation = options.validationFile
    }
    // What cannot be read is found before anything is made.
    _ = try TextFiles(paths: inputs + (validation.map { [$0] } ?? []))
    let ofTask = task.masking.wordListFile
    task.masking = masking.settings(over: task.masking)
    wordList = task.masking.wordListFile.map { path in
      guard let folder, path == ofTask, masking.wordList == nil, !path.hasPrefix("/") else {
        return URL(filePath: path)
      }
      return folder.appending(path: path)
    }
    task.masking.wordListFile = wordList?.path(percentEncoded: false)
    try task.validate()
    task.defaults = Self.defaults(task.defaults, isFresh: isFresh)
  }

  /// What suits masked language models where the task does not say.
  private static func defaults(_ task: TaskDefaults, isFresh: Bool) -> TaskDefaults {
    var defaults = task
    defaults.learningRate = task.learningRate ?? (isFresh ? 5e-4 : 5e-5)
    defaults.perDeviceTrainBatchSize = task.perDeviceTrainBatchSize ?? 32
    defaults.perDeviceEvalBatchSize = task.perDeviceEvalBatchSize ?? 32
    defaults.warmupRatio = task.warmupRatio ?? 0.06
    defaults.weightDecay = task.weightDecay ?? 0.01
    return defaults
  }

  /// What hides the tokens.
  func masker(_ tokenizer: any Tokenizer) throws -> TokenMasker {
    try TokenMasker(
      tokenizer: tokenizer, probability: task.masking.probability, wholeWords: task.masking.wholeWords,
      segmenter: wordList.map { url throws(TaskDataError) in try WordSegmenter(contentsOf: url) })
  }

  /// A split as sequences of tokens, in a file of the run folder.
  func corpus(
    _ paths: [String], limit: Int?, for model: PretrainingModel, in file: URL, _ console: Console
  ) throws -> TokenizedCorpus {
    let source = CorpusSource(
      paths: paths, maxLength: min(task.maxSequenceLength, model.lengthLimit),
      isLineByLine: task.masking.isLineByLine, limit: limit, badRows: badRows)
    let progress = ProgressDisplay(console)
    var isMade = false
    let corpus = try TokenizedCorpus.open(
      file, of: source, tokenizer: model.tokenizer, directory: model.tokenizerFolder
    ) { done, total in
      isMade = true
      progress.show("Tokenizing (kB)", done: done >> 10, total: max(1, total >> 10))
    }
    progress.finishLine()
    console.note(
      "\(paths.joined(separator: ", ")): \(grouped(corpus.count)) sequences, \(grouped(corpus.tokenCount)) tokens"
        + (corpus.skippedLineCount > 0
          ? "; lines left out, which are not UTF-8: \(grouped(corpus.skippedLineCount))" : "")
        + (isMade ? "" : " (tokenized before)"))
    return corpus
  }
}
