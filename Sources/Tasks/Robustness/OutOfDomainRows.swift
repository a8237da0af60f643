import Datasets
import Foundation
import ModelFormats

extension EvaluationData {
  /// Reads rows of another domain with the same answers as a task, labelled or not.
  ///
  /// - Parameters:
  ///   - path: A file laid out as the task's files (or `.txt` with a text a line; the format follows the name), or the task file
  ///     (`.yaml`) of another task, whose data lie beside it: its validation rows, else its test or training rows.
  ///   - task: The task.
  ///   - limit: The largest number of rows; nil takes all.
  ///   - listener: Hears how many rows there are.
  /// - Throws: `DatasetError`; `TaskError` for a task of another kind or of other labels.
  public init(
    outOfDomain path: String, of task: TaskDefinition, limit: Int? = nil,
    listener: any WorkListener = SilentListener()
  ) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw TaskError(
        "\(path): no such file, expected rows laid out as those of task \(task.name), or another task's YAML file"
      )
    }
    let name = path.lowercased()
    guard name.hasSuffix(".yaml") || name.hasSuffix(".yml") else {
      let file = URL(filePath: path)
      var other = task
      other.dropTrainDuplicates = false
      let layout = Self.file(file.path, of: task)
      // Plain text has no labels, as the other formats may have.
      let isPlain = layout.format == .text
      if isPlain { other.unlabelledFile = layout } else { other.testFile = layout }
      let reader = TaskReader(task: other, folder: file.deletingLastPathComponent())
      self = EvaluationData(
        task: task,
        examples: try EvaluationData(
          reader, split: isPlain ? .unlabelled : .test, limit: limit, needsLabels: false, listener: listener
        ).examples)
      return
    }
    let source = TaskSource(task: path)
    let other = try source.definition(in: TaskCatalog.builtIn).task
    guard other.kind == task.kind, Set(other.outputLabels) == Set(task.outputLabels) else {
      let labels = { (task: TaskDefinition) in
        "\(task.kind.rawValue) of the labels \(task.labels.joined(separator: ", "))"
      }
      throw TaskError(
        "\(path): task \(other.name) is a \(labels(other)); expected a \(labels(task)), as of task \(task.name)"
      )
    }
    let split: DataSplit = other.hasValidation ? .validation : other.testFile != nil ? .test : .train
    let rows = try EvaluationData(
      TaskReader(task: other, folder: source.root), split: split, limit: limit, needsLabels: false,
      listener: listener)
    self.init(task: task, examples: rows.examples.renumbered(from: other.outputLabels, to: task.outputLabels))
  }

  /// A file laid out as those of a task, its format by its name.
  private static func file(_ path: String, of task: TaskDefinition) -> DataFile {
    if let plain = UnlabelledFile.layout(path, of: task) { return plain }
    var file = task.validationFile ?? task.trainFile ?? DataFile(path)
    file.path = path
    let name = FileCompression.innerName(path.lowercased())
    if let format = [DataFormat.tsv, .csv, .jsonl, .json].first(where: { name.hasSuffix("." + $0.rawValue) })
    {
      file.format = format == task.format ? file.format : format
    }
    return file
  }
}

extension TaskExamples {
  /// The rows with their labels counted in the order of another task, which has the same ones.
  fileprivate func renumbered(from own: [String], to others: [String]) -> TaskExamples {
    if own == others { return self }
    let places = own.map { others.firstIndex(of: $0) ?? 0 }
    switch self {
    case .texts(let rows):
      return .texts(
        rows.map { row in
          var row = row
          switch row.target {
          case .label(let label): row.target = .label(Int32(places[Int(label)]))
          case .labels(let flags):
            var moved = flags
            for (place, applies) in zip(places, flags) { moved[place] = applies }
            row.target = .labels(moved)
          case .none, .value, .tags, .span: break
          }
          return row
        })
    case .sentences(let rows):
      return .sentences(
        rows.map { row in
          TaggedSentence(words: row.words, tags: row.tags?.map { places[$0] }, line: row.line)
        })
    case .questions: return self
    }
  }
}
