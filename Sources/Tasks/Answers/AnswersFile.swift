import Datasets
import Foundation
import ModelFormats

/// File of answers to texts that anybody wrote: people, rules, a language model, `potstill predict`.
///
/// Its rows are JSON objects, one a line or in a list, or the rows of a table with a header. Each has an answer in a form that
/// `StatedAnswer` reads, and may say which row it is to: by `id`, by its text, or by `index`.
package struct AnswersFile: Sendable {
  /// One answer.
  package struct Row: Sendable {
    /// The line on which it begins.
    package let line: Int
    /// Name of the row that it is to, under `id`, `guid`, `uid` or `idx`.
    package let id: String?
    /// The number of the row that it is to, counted from 0.
    package let index: Int?
    /// The text that it is to, and the second of a pair.
    package let text: TextExample?
    /// Probabilities or numbers [outputs], in the order of the task's labels.
    package let values: [Double]
  }

  /// The file.
  package let path: String
  /// The answers in the order of the file.
  package private(set) var rows: [Row] = []
  /// The report: how many there were, and which could not be used.
  package private(set) var report = RowReport()

  /// Whether a path is that of such a file, and not of a model.
  package static func isNamed(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard !(exists && isFolder.boolValue), let format = DataFormat.named(path) else { return false }
    return formats.contains(format)
  }

  private static let formats: [DataFormat] = [.jsonl, .json, .csv, .tsv]

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - task: The task whose texts are answered.
  ///   - badRows: Treatment of rows that cannot be used.
  /// - Throws: `TaskError` for a task whose answers are no labels or numbers of texts; `DatasetError` when the file cannot be
  ///   read, has no row, or has bad ones, with their lines.
  package init(_ path: String, of task: TaskDefinition, badRows: BadRowPolicy) throws {
    guard let reader = (task.kind.family as? any TextFamily)?.answerReader(of: task) else {
      throw TaskError(
        "--teacher \(path): a file of answers teaches labels, sets of labels or numbers of texts, and the task "
          + "\(task.name) is a \(task.kind.rawValue); train on such answers as labels, with 'potstill train'")
    }
    self.path = path
    let texts = TextFields(task)
    try Self.forEachRow(path) { record in
      report.rowCount += 1
      do throws(RowFault) {
        let fields = try record.get()
        let values = try reader.values(of: StatedAnswer(fields, labels: task.labels), line: fields.line)
        rows.append(
          Row(
            line: fields.line, id: fields.id, index: try fields.index, text: texts.text(of: fields),
            values: values))
      } catch {
        report.add(error)
      }
    }
    if badRows == .fail && !report.faults.isEmpty { throw DatasetError.badRows(path: path, report: report) }
    guard !rows.isEmpty else { throw DatasetError.emptyFile(path: path) }
  }

  /// Calls `body` with the fields of each row, or with what is wrong with it.
  static func forEachRow(_ path: String, _ body: (Result<AnswerFields, RowFault>) -> Void) throws {
    func fields(
      _ content: Record.Content, _ line: Int, _ names: [String] = []
    ) -> Result<AnswerFields, RowFault> {
      Result { () throws(RowFault) in try AnswerFields(content, line: line, names: names) }
    }
    guard let format = DataFormat.named(path), format != .json else {
      JSONRows.forEach(try TaskReader.bytes(path), .json) { line, object in
        body(object.flatMap { fields(.object($0), line) })
      }
      return
    }
    let stream: ByteStream
    // The reader of data files has the better words for a file that cannot be read.
    do { stream = try ByteStream(path: path, waitsForPipes: true) } catch {
      _ = try TaskReader.bytes(path)
      throw error
    }
    let records = RecordStream(stream, format: format)
    do { if !format.holdsObjects { try records.takeHeader() } } catch let fault as RowFault {
      throw DatasetError.unreadableFile(path: path, reason: "line \(fault.line), the header: \(fault)")
    }
    while true {
      do {
        guard let record = try records.next() else { return }
        body(fields(record.content, record.line, records.names))
      } catch let fault as RowFault {
        body(.failure(fault))
      }
    }
  }
}

/// Fields of the texts of answers: the task's own columns, else the usual names.
struct TextFields {
  private let own: (text: String, pair: String?)?
  private let isPair: Bool

  /// The fields of a task's texts.
  init(_ task: TaskDefinition) {
    isPair = task.textPairColumn != nil
    func name(_ column: ColumnReference?) -> String? {
      if case .name(let name) = column { name } else { nil }
    }
    own = name(task.textColumn).map { ($0, name(task.textPairColumn)) }
  }

  /// The text or pair of a row; nil where it has none.
  func text(of row: AnswerFields) -> TextExample? {
    names(in: row).flatMap { text, pair in
      row.text(text).map { TextExample(text: $0, pair: pair.flatMap(row.text), line: row.line) }
    }
  }

  /// The fields of a row that hold its text or pair; nil where none does.
  func names(in row: AnswerFields) -> (text: String, pair: String?)? {
    func hasText(_ name: String) -> Bool { row.text(name).map { !$0.allSatisfy(\.isWhitespace) } ?? false }
    if let own, own.pair != nil || !isPair, hasText(own.text), own.pair.map(hasText) ?? true { return own }
    if isPair { return TaskHints.pairNames.first { hasText($0) && hasText($1) } }
    return TaskHints.textNames.first(where: hasText).map { ($0, nil) }
  }
}

extension AnswerFields {
  /// Name of the row that an answer is to.
  var id: String? { TextExample.idNames.lazy.compactMap { self[$0].flatMap(JSONRows.scalar) }.first }

  /// The number of the row that an answer is to, counted from 0.
  var index: Int? {
    get throws(RowFault) {
      guard let value = self["index"] else { return nil }
      let number = value.stringValue.flatMap(wholeNumber) ?? value.wholeNumber
      guard let number, number >= 0 else { throw fault("index", value, "a whole number from 0") }
      return number
    }
  }
}
