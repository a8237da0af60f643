import Datasets
import Evaluation
import Foundation
import ModelFormats
import Training

/// Answers of a file to the rows of a run: those to learn from, and those that are scored on where it has them too.
package struct AnswersOfRows: Sendable {
  /// The file.
  package let path: String
  /// Logits of each training row [rows][outputs], in the order of the task's labels.
  package fileprivate(set) var logits: [[Float]] = []
  /// Logits of the validation rows; nil unless each of them is answered.
  package fileprivate(set) var validationLogits: [[Float]]?
  /// Scores of the answers on training rows that have a label; nil where there are none.
  package fileprivate(set) var agreement: (evaluation: TaskEvaluation, data: EncodedTask)?

  /// A fingerprint of the answers to the training rows.
  package var fingerprint: String {
    var fingerprint = Fingerprint()
    for row in logits { fingerprint.add(row) }
    return fingerprint.text
  }

  /// Finds the answers of files to the rows of a run.
  ///
  /// An answer is to the row of its `id`, else of its text, else of its `index`; where answers have none of them, to the row
  /// at its place. A text that no row has becomes a row, unless it is scored on. Several answers to one text count as
  /// their mean. A row without an answer keeps its label as one; a row with neither is left out.
  ///
  /// - Parameters:
  ///   - files: The files.
  ///   - rows: The rows, to which texts of the files are added and from which unanswered ones are taken.
  ///   - task: The task.
  ///   - maxTrain: The largest number of training rows; nil takes all.
  ///   - listener: Hears what was found.
  /// - Throws: `DatasetError.badRows` for answers to rows that are not there; `TaskError`.
  package static func find(
    in files: [AnswersFile], for rows: inout RunRows, of task: TaskDefinition, maxTrain: Int?,
    listener: any WorkListener
  ) throws -> [AnswersOfRows] {
    guard let reader = (task.kind.family as? any TextFamily)?.answerReader(of: task) else {
      preconditionFailure("A file of answers is read for tasks of texts alone.")
    }
    let scored = ScoredRows(rows, of: task)
    var matches: [RowMatches] = []
    for file in files {
      var search = RowSearch(rows, scored: scored)
      let found = try search.matches(of: file)
      rows.add(.texts(search.added), upTo: maxTrain, listener: listener)
      matches.append(found)
    }
    let texts = rows.train.texts
    var values = matches.map { match in texts.indices.map { match.mean(of: $0) } }
    var (labelled, unanswered) = (0, 0)
    var kept: [Int] = []
    for (place, text) in texts.enumerated() {
      if values.contains(where: { $0[place] == nil }), let own = reader.values(of: text.target) {
        labelled += 1
        for file in values.indices where values[file][place] == nil { values[file][place] = own }
      }
      if values.allSatisfy({ $0[place] != nil }) { kept.append(place) } else { unanswered += 1 }
    }
    let targets = texts.map(\.target)
    rows.keepTraining(kept)
    guard !kept.isEmpty, matches.contains(where: { !$0.isEmpty }) else {
      throw TaskError(
        "\(files.map(\.path).joined(separator: ", ")): no training row has an answer; give each answer the \"text\", the "
          + "\"id\" or the \"index\" (counted from 0) of its row, or texts of their own")
    }
    if labelled > 0 {
      listener.note("\(grouped(labelled)) training rows without an answer keep their label as the answer")
    }
    if unanswered > 0 {
      listener.warn(
        "\(grouped(unanswered)) training rows have neither an answer nor a label and are left out")
    }
    return try zip(files, matches).enumerated().map { number, pair in
      let (file, match) = pair
      var answers = AnswersOfRows(path: file.path)
      answers.logits = kept.map { reader.logits(of: values[number][$0] ?? []) }
      answers.validationLogits = scored.logits(of: match, by: reader)
      answers.agreement = try match.agreement(with: targets, of: task, by: reader)
      listener.note(match.note(file))
      if let agreement = answers.agreement {
        let scores = agreement.evaluation.result.metrics.map {
          "\($0.name) \(String(format: "%.4f", $0.value))"
        }
        listener.note(
          "\(file.path): \(scores.joined(separator: ", ")) on the \(grouped(agreement.data.rowCount)) training rows that "
            + "have a label too")
      }
      return answers
    }
  }
}

/// Rows that answers must not turn into training rows: those that a run is scored on, and those that its limits leave out.
private struct ScoredRows {
  /// Places of the rows that are scored on; none for a row that a limit leaves out.
  let places: [RowKey: [Int]]
  let count: Int

  /// The validation rows; numbers and names are those of the training file where a share of it is held out.
  init(_ rows: RunRows, of task: TaskDefinition) {
    let texts = rows.validation?.texts ?? []
    let isHeldOut = task.heldOut != nil && task.validationFile == nil
    count = texts.count
    var places: [RowKey: [Int]] = [:]
    func add(_ text: TextExample, at place: Int?, hasKeysOfTraining: Bool) {
      let own = [RowKey.text(of: text)] + (hasKeysOfTraining ? RowKey.names(of: text) : [])
      for key in own { places[key, default: []] += place.map { [$0] } ?? [] }
    }
    for (place, text) in texts.enumerated() { add(text, at: place, hasKeysOfTraining: isHeldOut) }
    for text in rows.validationBeyondLimit { add(text, at: nil, hasKeysOfTraining: isHeldOut) }
    for text in rows.trainBeyondLimit { add(text, at: nil, hasKeysOfTraining: true) }
    self.places = places
  }

  /// The logits of all rows; nil unless each is answered.
  func logits(of matches: RowMatches, by reader: any AnswerReader) -> [[Float]]? {
    guard count > 0 else { return nil }
    var logits: [[Float]] = []
    for place in 0..<count {
      guard let mean = matches.meanOfScored(place) else { return nil }
      logits.append(reader.logits(of: mean))
    }
    return logits
  }
}

/// Sign by which an answer finds its row.
private enum RowKey: Hashable {
  case id(String)
  case text(String)
  case index(Int)

  /// The sign of a text or pair, without the white space around it.
  static func text(of example: TextExample) -> RowKey {
    let parts = [example.text] + (example.pair.map { [$0] } ?? [])
    return .text(parts.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.joined(separator: "\t"))
  }

  /// The signs of a row of the training file beside its text: its id and its number.
  static func names(of example: TextExample) -> [RowKey] {
    (example.id.map { [.id($0)] } ?? []) + (example.row.map { [.index($0)] } ?? [])
  }
}

/// Search for the rows that answers are to.
private struct RowSearch {
  /// Texts of answers that no row has, which become rows.
  private(set) var added: [TextExample] = []
  private let scored: ScoredRows
  private var places: [RowKey: [Int]] = [:]
  private let rowCount: Int
  private let fileRowCount: Int
  private let hasIDs: Bool

  init(_ rows: RunRows, scored: ScoredRows) {
    self.scored = scored
    let texts = rows.train.texts
    (rowCount, fileRowCount) = (texts.count, rows.trainFileCount)
    hasIDs = (texts + rows.trainBeyondLimit).contains { $0.id != nil }
    let fromFile = rows.trainFileRows.count
    for (place, text) in texts.enumerated() {
      places[.text(of: text), default: []].append(place)
      if let id = text.id { places[.id(id), default: []].append(place) }
      if place < fromFile, let row = text.row { places[.index(row), default: []].append(place) }
    }
  }

  /// The rows of each answer of a file.
  mutating func matches(of file: AnswersFile) throws -> RowMatches {
    var matches = RowMatches()
    if file.rows.allSatisfy({ $0.text == nil && $0.index == nil && $0.id == nil }) {
      return try matchesInOrder(of: file)
    }
    var faults: [RowFault] = []
    var lines: [RowKey: Int] = [:]
    for row in file.rows {
      let keys = keys(of: row)
      // A text may be answered several times, a row that has a name of its own but once.
      if let own = keys.first(where: { !$0.isText }) {
        if let line = lines[own] {
          faults.append(
            RowFault(
              line: row.line, found: "\(own.name) a second time, after line \(line)", expected: "it once"))
          continue
        }
        lines[own] = row.line
      }
      let scoredPlaces = keys.compactMap { scored.places[$0] }.first
      if let scoredPlaces { matches.addScored(row.values, at: scoredPlaces) }
      if let found = keys.compactMap({ places[$0] }).first {
        matches.add(row.values, at: found)
      } else if scoredPlaces != nil {
        matches.keptOutCount += 1
      } else if let text = row.text {
        let place = rowCount + added.count
        added.append(text)
        places[.text(of: text)] = [place]
        matches.add(row.values, at: [place])
      } else {
        faults.append(
          RowFault(
            line: row.line, found: found(keys, of: row),
            expected: "the id or index of one of the \(fileRowCount) training rows, or a text"))
      }
    }
    try Self.check(faults, of: file)
    matches.addedCount = added.count
    return matches
  }

  /// The signs of an answer, the surest first.
  private func keys(of row: AnswersFile.Row) -> [RowKey] {
    var keys: [RowKey] = []
    if hasIDs, let id = row.id { keys.append(.id(id)) }
    if let text = row.text { keys.append(.text(of: text)) }
    if row.text == nil, let index = row.index { keys.append(.index(index)) }
    return keys
  }

  private func found(_ keys: [RowKey], of row: AnswersFile.Row) -> String {
    if let key = keys.first { return "\(key.name), which no row has" }
    guard let id = row.id else { return "no text, id or index" }
    return "the id \"\(id)\", and no column of ids in the training file"
  }

  /// Answers that say nothing of their rows, one for each in order.
  private func matchesInOrder(of file: AnswersFile) throws -> RowMatches {
    guard file.rows.count == fileRowCount, file.report.faults.isEmpty else {
      throw TaskError(
        "\(file.path): found \(grouped(file.rows.count)) answers without text, id or index, and \(grouped(fileRowCount)) "
          + "training rows; expected one for each in order, or answers that say which row they are to")
    }
    var matches = RowMatches()
    matches.isInOrder = true
    for (place, row) in file.rows.enumerated() where place < rowCount { matches.add(row.values, at: [place]) }
    return matches
  }

  private static func check(_ faults: [RowFault], of file: AnswersFile) throws {
    guard !faults.isEmpty else { return }
    var report = RowReport()
    report.rowCount = file.rows.count
    for fault in faults { report.add(fault) }
    throw DatasetError.badRows(path: file.path, report: report)
  }
}

extension RowKey {
  /// Whether it is a text.
  fileprivate var isText: Bool { if case .text = self { true } else { false } }

  /// The sign in messages.
  fileprivate var name: String {
    switch self {
    case .id(let id): "the id \"\(id)\""
    case .text(let text): "the text \"\(text.prefix(40))\""
    case .index(let index): "the index \(index)"
    }
  }
}

/// Answers of a file by the rows that they are to.
private struct RowMatches {
  /// Texts of the file that became rows.
  var addedCount = 0
  /// Answers to rows that are only scored on, or that a limit leaves out.
  var keptOutCount = 0
  /// Whether the order said which row an answer is to.
  var isInOrder = false
  private var sums: [Int: (values: [Double], count: Int)] = [:]
  private var scoredSums: [Int: (values: [Double], count: Int)] = [:]

  var isEmpty: Bool { sums.isEmpty }

  mutating func add(_ values: [Double], at places: [Int]) { Self.add(values, at: places, to: &sums) }
  mutating func addScored(_ values: [Double], at places: [Int]) {
    Self.add(values, at: places, to: &scoredSums)
  }

  func mean(of place: Int) -> [Double]? { Self.mean(sums[place]) }
  func meanOfScored(_ place: Int) -> [Double]? { Self.mean(scoredSums[place]) }

  private static func add(
    _ values: [Double], at places: [Int], to sums: inout [Int: (values: [Double], count: Int)]
  ) {
    for place in places {
      guard let before = sums[place] else {
        sums[place] = (values, 1)
        continue
      }
      sums[place] = (zip(before.values, values).map { $0 + $1 }, before.count + 1)
    }
  }

  private static func mean(_ sum: (values: [Double], count: Int)?) -> [Double]? {
    sum.map { sum in sum.values.map { $0 / Double(sum.count) } }
  }

  /// Scores of the answers on rows that have a label; nil where none has both.
  func agreement(
    with targets: [ExampleTarget], of task: TaskDefinition, by reader: any AnswerReader
  ) throws -> (evaluation: TaskEvaluation, data: EncodedTask)? {
    var (examples, logits): ([EncodedExample], [[Float]]) = ([], [])
    for (place, target) in targets.enumerated() where target != .none {
      guard let mean = mean(of: place) else { continue }
      examples.append(EncodedExample(ids: [], segments: [], target: target))
      logits.append(reader.logits(of: mean))
    }
    guard !examples.isEmpty else { return nil }
    let data = EncodedTask(examples, task: task)
    let (predictions, scores) = try data.score(logits)
    let result = EvaluationResult(loss: nil, metrics: scores, examples: examples.count, runtime: 0)
    return (TaskEvaluation(result: result, predictions: predictions, of: data), data)
  }

  /// A line about the file: how many answers, and to what.
  func note(_ file: AnswersFile) -> String {
    var parts = ["\(file.path): \(grouped(file.rows.count)) answers"]
    let matched = sums.count - addedCount
    if matched > 0 {
      parts.append("\(grouped(matched)) training rows answered\(isInOrder ? " in order" : "")")
    }
    if addedCount > 0 { parts.append("\(grouped(addedCount)) texts of its own") }
    if keptOutCount > 0 {
      parts.append("\(grouped(keptOutCount)) to rows that are scored on or beyond a limit, kept out")
    }
    let several = sums.values.count { $0.count > 1 }
    if several > 0 { parts.append("the mean of several answers for \(grouped(several)) texts") }
    if file.report.faultCount > 0 { parts.append("\(file.report.faultCount) bad rows skipped") }
    return parts.joined(separator: ", ")
  }
}
