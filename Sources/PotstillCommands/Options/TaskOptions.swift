import ArgumentParser
import Datasets
import Foundation
import ModelFormats
import Tasks

/// Options of the task and of the places of its files.
package struct TaskOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A task of Potstill (such as sst2, mrpc, chnsenticorp), or the path of a YAML file that defines one.",
      valueName: "task"))
  package var task: String?

  @Option(help: ArgumentHelp("The folder of the task's files.", valueName: "folder"))
  package var data: String?

  @Option(help: ArgumentHelp("Another training file than the task's.", valueName: "file"))
  package var trainFile: String?

  @Option(help: ArgumentHelp("Another validation file than the task's.", valueName: "file"))
  package var validationFile: String?

  @Option(help: ArgumentHelp("Another test file than the task's.", valueName: "file"))
  package var testFile: String?

  @Option(
    help: ArgumentHelp(
      "Longest input in tokens, special tokens included; more is cut off (default: the task's).",
      valueName: "n"))
  package var maxSeqLength: Int?

  @Flag(help: "Leave out rows that cannot be used, and show the first of them, instead of stopping.")
  package var skipBadRows = false

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
  func open(
    _ console: Console, unlabelledFile: String? = nil, trainsMaskedModels: Bool = false
  ) throws -> TaskReader {
    var missing = MissingOptions()
    let name = missing.require(task, "--task", "a name or a YAML file")
    let folder = missing.require(data, "--data", "the folder of its files")
    try missing.check()
    let catalog = TaskCatalog(
      environment: console.environment,
      workingDirectory: URL(filePath: FileManager.default.currentDirectoryPath),
      executable: Bundle.main.executableURL)
    var definition = try TaskDefinition(contentsOf: catalog.url(for: name))
    if definition.kind.family is MaskedWords, !trainsMaskedModels {
      throw CommandError(
        "task \(name) is a \(definition.kind.rawValue), which has text and no answers; expected another kind. "
          + "'potstill pretrain --task \(name)' trains and scores it")
    }
    let fullPath = { (path: String) in URL(filePath: path).path }
    if let trainFile { definition.trainFile = replaced(definition.trainFile, by: fullPath(trainFile)) }
    if let validationFile {
      definition.validationFile = replaced(definition.validationFile, by: fullPath(validationFile))
    }
    if let testFile { definition.testFile = replaced(definition.testFile, by: fullPath(testFile)) }
    if let unlabelledFile {
      let path = fullPath(unlabelledFile)
      definition.unlabelledFile =
        UnlabelledFile.layout(path, of: definition) ?? replaced(definition.unlabelledFile, by: path)
    }
    if let maxSeqLength { definition.maxSequenceLength = maxSeqLength }
    definition = try windows.applied(to: definition)
    return TaskReader(
      task: definition, folder: URL(filePath: folder, directoryHint: .isDirectory),
      badRows: skipBadRows ? .skip : .fail)
  }

  /// A data file of the same layout with another path.
  private func replaced(_ file: DataFile?, by path: String) -> DataFile {
    var file = file ?? DataFile(path)
    file.path = path
    return file
  }

  /// The user's files that are read: the task's file and the data.
  var inputs: [String] { [task, data, trainFile, validationFile, testFile].compactMap { $0 } }
}
