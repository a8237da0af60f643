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
      !needsTrainFile && reader.task.trainFile == nil ? (0, .texts([]), []) : try read(.train, maxTrain)
    var train = trainFileRows
    if readsUnlabelled, reader.task.unlabelledFile != nil {
      train = train.appending(try read(.unlabelled).rows, upTo: maxTrain, listener: listener)
    }
    self.train = train
    let scored = reader.task.hasValidation ? try read(.validation, maxValidation) : nil
    (validation, validationBeyondLimit) = (scored?.rows, scored?.beyond ?? [])
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
