import ArgumentParser
import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Option of the model that a training starts from.
package struct ModelOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The Hugging Face directory to start from, or a name on its hub (org/name).", valueName: "folder"),
    completion: .directory)
  package var model: String?

  package init() {}
}

/// Option of a trained model.
package struct TrainedModelOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A Hugging Face directory with a model for the task, or a name on its hub.", valueName: "folder"),
    completion: .directory)
  package var model: String

  package init() {}
}

/// Options of the task and of the places of its files.
package struct TaskOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A task of Potstill (such as sst2, mrpc, chnsenticorp), or the path of a YAML file that defines one; none for files of your own.",
      valueName: "task"), completion: .list(TaskCatalog.builtIn.names))
  package var task: String?

  @Option(
    help: ArgumentHelp("The folder of the task's files (default: that of a YAML file).", valueName: "folder"),
    completion: .directory)
  package var data: String?

  @Option(
    help: ArgumentHelp("Rows to train on: your own, or another file than the task's.", valueName: "file"),
    completion: .file())
  package var trainFile: String?

  @Option(
    help: ArgumentHelp("Rows to score on: your own, or another file than the task's.", valueName: "file"),
    completion: .file())
  package var validationFile: String?

  @Option(
    help: ArgumentHelp("Rows to test on: your own, or another file than the task's.", valueName: "file"),
    completion: .file())
  package var testFile: String?

  @Option(
    help: ArgumentHelp(
      "Longest input in tokens, special tokens included; more is cut off (default: the task's).",
      valueName: "n"))
  package var maxSeqLength: Int?

  @Flag(help: "Leave out rows that cannot be used, and show the first of them, instead of stopping.")
  package var skipBadRows = false

  @OptionGroup
  package var columns: ColumnOptions

  @OptionGroup
  package var windows: WindowOptions

  package init() {}

  package mutating func validate() throws {
    if let maxSeqLength, maxSeqLength < 3 {
      throw ValidationError(
        "--max-seq-length is \(maxSeqLength); expected at least 3, which is one token of text.")
    }
  }

  /// The task and a reader of its files.
  ///
  /// Throws for a masked language model's task unless the command trains those.
  package func open(
    _ console: Console, unlabelledFile: String? = nil, answers: String? = nil,
    trainsMaskedModels: Bool = false, model: String? = nil
  ) throws -> TaskReader {
    var source = TaskSource()
    (source.task, source.folder, source.unlabelledFile) = (task, data, unlabelledFile)
    (source.trainFile, source.validationFile, source.testFile) = (trainFile, validationFile, testFile)
    source.hints = columns.hints
    source.answersFile = answers
    if let model, task == nil, let location = try? ModelLocation(model, listener: console),
      let config = try? EncoderConfig(directory: location.folder)
    {
      source.hints.modelLabels = config.labels
    }
    var missing = MissingOptions()
    require(&missing, answers: answers)
    try missing.check()
    let catalog = TaskCatalog(
      environment: console.environment,
      workingDirectory: URL(filePath: FileManager.default.currentDirectoryPath),
      executable: Bundle.main.executableURL)
    var (definition, findings) = try source.definition(in: catalog)
    for finding in findings { console.note(finding) }
    if definition.kind.family is MaskedWords, !trainsMaskedModels {
      let name = task ?? definition.name
      throw CommandError(
        "task \(name) is a \(definition.kind.rawValue), which has text and no answers; expected another kind. "
          + "'potstill pretrain --task \(name)' trains and scores it")
    }
    if let maxSeqLength { definition.maxSequenceLength = maxSeqLength }
    definition = try windows.applied(to: definition)
    return TaskReader(task: definition, folder: source.root, badRows: skipBadRows ? .skip : .fail)
  }

  /// Requirement of a task with the folder of its files, or files of rows.
  ///
  /// - Parameter answers: A file of answers, which may bring texts of its own.
  package func require(_ missing: inout MissingOptions, answers: String? = nil) {
    let hasFiles = [trainFile, validationFile, testFile, answers].contains { $0 != nil }
    if task == nil && (data != nil || !hasFiles) {
      _ = missing.require(task, "--task", "a name or a YAML file; or --train-file, rows of your own")
    }
    if !(TaskSource(task: task).isFile || task == nil && hasFiles) {
      _ = missing.require(data, "--data", "the folder of its files")
    }
  }

  /// The user's files that are read: the task's file and the data.
  package var inputs: [String] { [task, data, trainFile, validationFile, testFile].compactMap { $0 } }
}
