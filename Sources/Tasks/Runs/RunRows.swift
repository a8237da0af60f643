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
    ) throws -> (all: Int, rows: TaskExamples, beyond: [TextExample]) {
      let (examples, _, note) = try reader.readExamples(split)
      let limited = examples.limited(to: limit, note: note)
      listener.note(limited.note)
      guard case .texts(let texts) = examples else { return (examples.count, limited.rows, []) }
      return (examples.count, limited.rows, Array(texts.dropFirst(limited.rows.count)))
    }
    (trainFileCount, trainFileRows, trainBeyondLimit) =
      isStored || !needsTrainFile && reader.task.trainFile == nil
      ? (0, .texts([]), []) : try read(.train, maxTrain)
    var train = trainFileRows
    if !isStored, readsUnlabelled, reader.task.unlabelledFile != nil {
      train = train.appending(try read(.unlabelled).rows, upTo: maxTrain, listener: listener)
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
  public mutating func add(_ more: TaskExamples) { train = train.appending(more) }

  /// Adds rows without labels, as many as a limit leaves room for, and says what is left out.
  mutating func add(_ more: TaskExamples, upTo limit: Int?, listener: any WorkListener) {
    train = train.appending(more, upTo: limit, listener: listener)
  }

  /// Leaves out training rows but those at some places, in ascending order.
  mutating func keepTraining(_ places: [Int]) {
    let rows = train.texts
    if places.count < rows.count { train = .texts(places.map { rows[$0] }) }
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
