public import Datasets
import Foundation
import ModelFormats

/// Rows of a run: those that the model learns from, and those that it is scored on.
public struct RunRows {
  /// Rows that the model learns from.
  public private(set) var train: TaskExamples
  /// The rows of the training file alone.
  public let trainFileRows: TaskExamples
  /// The number of rows that the training file has, more than a limit may let a run have.
  package let trainFileCount: Int
  /// Rows that it is scored on; nil when the task has no validation file.
  public let validation: TaskExamples?
  /// Training rows that stay in their files, in the place of `train`; nil where they are in memory.
  package let stored: StoredRows?
  /// The file of each run of training rows in memory; empty for rows that no file holds.
  private var sources: [(path: String, count: Int)] = []
  /// Texts of the training file that a limit leaves out.
  let trainBeyondLimit: [TextExample]
  /// Texts of the validation rows that a limit leaves out.
  let validationBeyondLimit: [TextExample]

  /// Reads the splits that there are, and notes what was left out.
  ///
  /// - Parameters:
  ///   - reader: The task's files.
  ///   - maxTrain: The largest number of training rows, texts without labels included; nil takes all.
  ///   - maxValidation: The largest number of validation rows; nil takes all.
  ///   - readsUnlabelled: Whether there is a teacher for texts without labels.
  ///   - needsTrainFile: Whether a task without a training file is an error; else its rows come from elsewhere.
  ///   - listener: Hears how many rows there are.
  /// - Throws: `DatasetError`.
  public init(
    _ reader: TaskReader, maxTrain: Int? = nil, maxValidation: Int? = nil, readsUnlabelled: Bool = false,
    needsTrainFile: Bool = true, listener: any WorkListener = SilentListener()
  ) throws {
    try self.init(
      reader, maxTrain: maxTrain, maxValidation: maxValidation, readsUnlabelled: readsUnlabelled,
      needsTrainFile: needsTrainFile, storage: nil, listener: listener)
  }

  /// Reads the splits that there are, as above; training rows of large files stay there.
  ///
  /// - Parameter storage: Where their tokens are kept; nil reads all rows into memory.
  package init(
    _ reader: TaskReader, maxTrain: Int?, maxValidation: Int?, readsUnlabelled: Bool, needsTrainFile: Bool,
    storage: RowStorage?, listener: any WorkListener
  ) throws {
    let splits: [DataSplit] =
      [.train] + (readsUnlabelled && reader.task.unlabelledFile != nil ? [.unlabelled] : [])
    let isStored = storage?.keeps(splits, of: reader) ?? false
    stored =
      isStored
      ? storage.map { StoredRows(reader, splits: splits, limit: maxTrain, storage: $0, listener: listener) }
      : nil
    func read(
      _ split: DataSplit, _ limit: Int? = nil
    ) throws -> (all: Int, rows: TaskExamples, beyond: [TextExample], path: String) {
      let (examples, path, note) = try reader.readExamples(split)
      let limited = examples.limited(to: limit, note: note)
      listener.note(limited.note)
      guard case .texts(let texts) = examples else { return (examples.count, limited.rows, [], path) }
      return (examples.count, limited.rows, Array(texts.dropFirst(limited.rows.count)), path)
    }
    let path: String
    (trainFileCount, trainFileRows, trainBeyondLimit, path) =
      isStored || !needsTrainFile && reader.task.trainFile == nil
      ? (0, .texts([]), [], "") : try read(.train, maxTrain)
    var train = trainFileRows
    sources = [(path, train.count)]
    if !isStored, readsUnlabelled, reader.task.unlabelledFile != nil {
      let more = try read(.unlabelled)
      train = train.appending(more.rows, upTo: maxTrain, listener: listener)
      sources.append((more.path, train.count - trainFileRows.count))
    }
    self.train = train
    let scored = reader.task.hasValidation ? try read(.validation, maxValidation) : nil
    (validation, validationBeyondLimit) = (scored?.rows, scored?.beyond ?? [])
  }

  /// The number of rows that the model learns from; of stored ones 0 before they are tokenized.
  package var trainCount: Int { stored?.count ?? train.count }
  /// The number of those whose answer is known.
  package var labelledCount: Int { stored?.labelledCount ?? train.labelledCount }
  /// The number of rows of the training file whose answer is known.
  package var trainFileLabelledCount: Int { stored?.trainLabelledCount ?? trainFileRows.labelledCount }
  /// Rows of two texts, as far as a check of them needs: all rows, or one of those that are stored.
  package var pairs: TaskExamples { stored.map { $0.pairs ?? .texts([]) } ?? train }

  /// Evenly spread rows that the model learns from.
  ///
  /// - Throws: `DatasetError` when they are stored and cannot be read.
  package func evenSample(_ count: Int) throws -> TaskExamples {
    try stored?.evenSample(count) ?? train.evenSample(count)
  }

  /// Adds rows without labels, for a teacher to label.
  public mutating func add(_ more: TaskExamples) {
    train = train.appending(more)
    sources.append(("", more.count))
  }

  /// Adds rows without labels, as many as a limit leaves room for, and says what is left out.
  mutating func add(_ more: TaskExamples, upTo limit: Int?, listener: any WorkListener) {
    let before = train.count
    train = train.appending(more, upTo: limit, listener: listener)
    sources.append(("", train.count - before))
  }

  /// Leaves out training rows but those at some places, in ascending order.
  mutating func keepTraining(_ places: [Int]) {
    let rows = train.texts
    guard places.count < rows.count else { return }
    train = .texts(places.map { rows[$0] })
    var end = 0
    sources = sources.map { path, count in
      end += count
      return (path, places.count { $0 >= end - count && $0 < end })
    }
  }

  /// Places of training rows in memory in their files, as messages name them, such as `train.tsv:12`; nil where no file holds a row.
  package var places: @Sendable (_ row: Int) -> String? {
    { [train, sources] row in
      var end = 0
      for (path, count) in sources {
        end += count
        if row < end { return path.isEmpty ? nil : train.place(of: row, in: path) }
      }
      return nil
    }
  }
}

extension TaskExamples {
  /// Place of a row in its file; nil where that is not known.
  fileprivate func place(of row: Int, in path: String) -> String? {
    switch self {
    case .texts(let rows): rows[row].line > 0 ? "\(path):\(rows[row].line)" : nil
    case .sentences(let rows): rows[row].line > 0 ? "\(path):\(rows[row].line)" : nil
    case .questions(let rows): "\(path), question \(rows[row].id)"
    }
  }
}

extension TaskExamples {
  /// The first rows, as many as a limit lets, and the note of their file, which then says so.
  package func limited(to limit: Int?, note: String) -> (rows: TaskExamples, note: String) {
    guard let limit, limit < count else { return (self, note) }
    var lines = note.components(separatedBy: "\n")
    lines[0] += ", \(limit == 1 ? "the first" : "the first \(max(0, limit))") taken"
    return (prefix(max(0, limit)), lines.joined(separator: "\n"))
  }

  /// These rows and then texts without labels, as many in all as a limit lets a run have; says what is left out.
  package func appending(_ more: TaskExamples, upTo limit: Int?, listener: any WorkListener) -> TaskExamples {
    let left = limit.map { max(0, $0 - count) } ?? more.count
    if left < more.count, let limit {
      listener.warn(
        "--max-train-samples \(limit) leaves out \(grouped(more.count - left)) of \(grouped(more.count)) texts without labels"
      )
    }
    return appending(more.prefix(min(left, more.count)))
  }
}
