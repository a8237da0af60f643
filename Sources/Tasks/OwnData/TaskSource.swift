import Datasets
public import Foundation

/// Source of a task: the name of one of Potstill's, a task file, or files of rows that speak for themselves.
public struct TaskSource: Sendable {
  /// The name of a task, or the path of its YAML file; nil for files alone.
  public var task: String?
  /// The folder of the task's files; nil for the folder of the task file, or where files alone are given.
  public var folder: String?
  /// Another training file than the task's.
  public var trainFile: String?
  /// Another validation file than the task's.
  public var validationFile: String?
  /// Another test file than the task's.
  public var testFile: String?
  /// Another file of rows without labels than the task's.
  public var unlabelledFile: String?
  /// A file of answers that brings texts of its own, where there are no rows to train on.
  public var answersFile: String?
  /// Columns, kind and share held out, which go before what the task says or the rows show.
  public var hints = TaskHints()

  /// A task by its name or the path of its file, or nothing yet.
  public init(task: String? = nil) { self.task = task }

  /// Whether something says which rows there are.
  public var isGiven: Bool { task != nil || !files.isEmpty || answersFile != nil }

  private var files: [String] { [trainFile, validationFile, testFile].compactMap { $0 } }

  /// The task, and what a look at its rows has found where no task file says it.
  ///
  /// - Parameter catalog: The tasks that have names.
  /// - Throws: `DatasetError`, `YAMLError` or `TaskError` when there is no such task, a file cannot be read or its rows do
  ///   not say what they mean.
  public func definition(in catalog: TaskCatalog) throws -> (task: TaskDefinition, findings: [String]) {
    let path = { (path: String) in URL(filePath: path).path }
    var definition: TaskDefinition
    var findings: [String] = []
    if let task {
      definition = try hinted(catalog.definition(of: task), of: task)
      if trainFile != nil || validationFile != nil {
        // Other rows are another data set.
        (definition.datasetName, definition.datasetConfigName) = (nil, nil)
      }
      if let trainFile { definition.trainFile = replaced(definition.trainFile, by: path(trainFile)) }
      if let validationFile {
        definition.validationFile = replaced(definition.validationFile, by: path(validationFile))
        definition.heldOut = nil
      }
      if let testFile { definition.testFile = replaced(definition.testFile, by: path(testFile)) }
    } else if trainFile == nil, let answersFile {
      let inferred = try InferredTask(
        answers: path(answersFile), validation: validationFile.map(path), test: testFile.map(path),
        hints: hints)
      (definition, findings) = (inferred.task, inferred.findings)
    } else {
      let inferred = try InferredTask(
        train: trainFile.map(path), validation: validationFile.map(path), test: testFile.map(path),
        hints: hints)
      (definition, findings) = (inferred.task, inferred.findings)
    }
    if let unlabelledFile {
      let path = path(unlabelledFile)
      definition.unlabelledFile =
        UnlabelledFile.layout(path, of: definition) ?? replaced(definition.unlabelledFile, by: path)
    }
    return (definition, findings)
  }

  /// The folder that the task's paths are relative to: the given one, that of the task file, or the current one.
  public var root: URL {
    if let folder { return URL(filePath: folder, directoryHint: .isDirectory) }
    guard let task, isFile else { return URL(filePath: ".", directoryHint: .isDirectory) }
    return URL(filePath: task).deletingLastPathComponent()
  }

  /// Whether the task is a file, whose folder can be that of its data.
  public var isFile: Bool {
    task.map { $0.contains("/") || $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") } ?? false
  }

  /// The task with the columns of the hints.
  private func hinted(_ task: TaskDefinition, of name: String) throws -> TaskDefinition {
    var task = task
    if let kind = hints.kind, kind != task.kind {
      throw TaskError(
        "--kind \(kind.rawValue): the task \(name) is a \(task.kind.rawValue); leave --kind out")
    }
    if hints.foldsCase {
      throw TaskError(
        "--fold-case: the task \(name) names its labels itself, with label_values for other spellings")
    }
    func column(_ hint: ColumnReference) -> ColumnReference {
      if !task.header, case .name(let text) = hint, let place = Int(text) { .index(place) } else { hint }
    }
    task.textColumn = hints.textColumn.map(column) ?? task.textColumn
    task.textPairColumn = hints.textPairColumn.map(column) ?? task.textPairColumn
    task.labelColumn = hints.labelColumn.map(column) ?? task.labelColumn
    if let percentage = hints.heldOutPercentage {
      guard task.validationFile == nil else {
        throw TaskError(
          "--validation-split-percentage: the task \(name) has a validation file, which is scored on; leave the option out"
        )
      }
      task.heldOut = HeldOutShare(percentage: percentage)
    }
    return task
  }

  /// The same layout with another path.
  private func replaced(_ file: DataFile?, by path: String) -> DataFile {
    var file = file ?? DataFile(path)
    file.path = path
    return file
  }
}
