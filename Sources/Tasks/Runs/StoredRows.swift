package import Datasets
package import Foundation
import ModelFormats
package import Tokenization

/// Place where rows that were tokenized once are kept, and how large files of rows can be before they go there.
public struct RowStorage: Sendable, Equatable {
  /// The folder; nil keeps small files in memory, and takes `XDG_CACHE_HOME/potstill/tokenized`, else
  /// `~/.cache/potstill/tokenized`, for larger ones.
  public var folder: String?
  /// The bytes that files of rows can have together and stay in memory, where no folder is named.
  public var memoryLimit = 256 << 20

  /// The usual storage.
  ///
  /// - Parameter folder: The folder; nil leaves it to the size of the files.
  public init(folder: String? = nil) { self.folder = folder }

  /// The folder of tokenized rows.
  package var url: URL {
    if let folder { return URL(filePath: folder, directoryHint: .isDirectory) }
    let environment = ProcessInfo.processInfo.environment
    let caches =
      environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : URL(filePath: $0) }
      ?? URL(filePath: environment["HOME"] ?? NSHomeDirectory()).appending(path: ".cache")
    return caches.appending(path: "potstill/tokenized", directoryHint: .isDirectory)
  }

  /// Whether the training rows of a task stay in files.
  ///
  /// - Parameter splits: The splits of them.
  package func keeps(_ splits: [DataSplit], of reader: TaskReader) -> Bool {
    if folder != nil { return true }
    let bytes = splits.reduce(0) { sum, split in
      sum + ((try? reader.streamedPath(split)).map(Self.size) ?? 0)
    }
    return bytes > memoryLimit
  }

  /// About the bytes of a file's rows; 0 of one that is not there.
  static func size(of path: String) -> Int {
    let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber
    // Texts come to about four times their compressed size.
    return (size?.intValue ?? 0) * (FileCompression.isCompressed(path) ? 4 : 1)
  }
}

/// Reader of tokens: a tokenizer with the longest input of its model.
package struct TokenReader: Sendable {
  /// The tokenizer.
  package let tokenizer: any Tokenizer
  /// The largest number of tokens, special tokens included.
  package let limit: Int
  /// A fingerprint of the tokenizer.
  package let fingerprint: String

  /// A reader of its parts.
  package init(_ tokenizer: any Tokenizer, limit: Int, fingerprint: String) {
    (self.tokenizer, self.limit, self.fingerprint) = (tokenizer, limit, fingerprint)
  }
}

/// Training rows that stay in their files: they are read once, block by block, and tokenized into files of a folder.
///
/// A file of tokens is named by a number of all that it depends on: path, size and time of change of the file of rows, the
/// settings of the task, tokenizer, length and number of rows. A later run that has the same uses it as it is.
package final class StoredRows {
  /// The number of rows; 0 before they are tokenized.
  package private(set) var count = 0
  /// The number of rows whose answer is known.
  package private(set) var labelledCount = 0
  /// The number of rows of the training file whose answer is known.
  package private(set) var trainLabelledCount = 0
  private let reader: TaskReader
  private let splits: [DataSplit]
  private let limit: Int?
  private let storage: RowStorage
  private let listener: any WorkListener
  /// A row that is a pair of texts; none where all are single.
  private(set) var pairs: TaskExamples?

  /// Rows of a task.
  ///
  /// - Parameters:
  ///   - splits: The splits that the rows are of, in their order.
  ///   - limit: The largest number of rows; nil takes all.
  package init(
    _ reader: TaskReader, splits: [DataSplit], limit: Int?, storage: RowStorage, listener: any WorkListener
  ) {
    (self.reader, self.splits, self.limit, self.storage) = (reader, splits, limit, storage)
    self.listener = listener
  }

  /// Evenly spread rows, for which the files are read twice.
  ///
  /// - Throws: As reading does.
  package func evenSample(_ most: Int) throws -> TaskExamples {
    var all = 0
    try forEachRow { _, count in all += count }
    let wanted = Set((0..<min(most, all)).map { all <= most ? $0 : $0 * all / most })
    var (sample, place): (TaskExamples?, Int) = (nil, 0)
    try forEachRow { rows, count in
      let chosen = rows.places((0..<count).filter { wanted.contains(place + $0) })
      sample = sample?.appending(chosen) ?? chosen
      place += count
    }
    return sample ?? .texts([])
  }

  private func forEachRow(_ body: (TaskExamples, Int) throws -> Void) throws {
    var left = limit ?? .max
    for split in splits {
      _ = try reader.forEachBlock(split) { rows in
        let rows = rows.prefix(min(left, rows.count))
        left -= rows.count
        try body(rows, rows.count)
      }
    }
  }

  // MARK: Tokens

  /// The rows as a model reads them, and where it has another tokenizer, as its teacher does.
  ///
  /// - Parameters:
  ///   - student: What the model reads.
  ///   - teacher: What a teacher reads whose tokens are others; nil for none.
  /// - Throws: `DatasetError` with file and line for rows that cannot be used; `TokenizerError`; `FormatError.cannotWrite`.
  package func tokenized(
    _ student: TokenReader, teacher: TokenReader?
  ) throws -> (examples: EncodedExamples, aligned: AlignedExamples?) {
    let folder = storage.url
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    TemporaryName.removeLeftovers(in: folder)
    var left = limit
    var sets: [ShardSet] = []
    (count, labelledCount, pairs) = (0, 0, nil)
    for split in splits {
      let set = try shards(of: split, limit: left, student, teacher, in: folder)
      sets.append(set)
      count += set.rowCount
      labelledCount += set.labelledCount
      if split == .train { trainLabelledCount = set.labelledCount }
      pairs = pairs ?? set.pairs
      if split == .unlabelled, set.allCount > set.rowCount, let limit {
        listener.warn(
          "--max-train-samples \(limit) leaves out \(grouped(set.allCount - set.rowCount)) of \(grouped(set.allCount)) texts "
            + "without labels")
      }
      left = left.map { max(0, $0 - set.rowCount) }
    }
    let examples = EncodedExamples(sets.map(\.student))
    guard teacher != nil else { return (examples, nil) }
    return (
      examples,
      AlignedExamples(
        teacher: EncodedExamples(sets.compactMap(\.teacher)),
        alignments: DataRows(ShardRows<TokenAlignment>(sets.compactMap(\.alignments))),
        shortenedCount: sets.reduce(0) { $0 + $1.shortenedCount })
    )
  }

  private func shards(
    of split: DataSplit, limit: Int?, _ student: TokenReader, _ teacher: TokenReader?, in folder: URL
  ) throws -> ShardSet {
    let path = try reader.streamedPath(split)
    let names = try ShardNames(reader, split, path: path, limit: limit, student, teacher, in: folder)
    if let known = ShardSet(names, student, teacher) {
      listener.note("\(known.note) (tokenized before: \(names.student.path))")
      return known
    }
    let task = reader.task
    var writers = try ShardWriters(names, isAligned: teacher != nil)
    var left = limit ?? .max
    defer { listener.progressEnded() }
    let note = try reader.forEachBlock(
      split, progress: { self.listener.progress("Tokenizing", done: $0, total: 0) }
    ) { block in
      writers.allCount += block.count
      let rows = block.prefix(min(left, block.count))
      guard rows.count > 0 else { return }
      left -= rows.count
      let encoded = try EncodedTask(
        rows, task: task, with: student.tokenizer, maxLength: student.limit)
      let aligned = try teacher.map { teacher in
        try AlignedExamples(
          rows, student: encoded, studentTokenizer: student.tokenizer, studentLength: student.limit,
          teacherTokenizer: teacher.tokenizer, teacherLength: teacher.limit)
      }
      try writers.add(rows, encoded, aligned)
    }
    guard names == (try ShardNames(reader, split, path: path, limit: limit, student, teacher, in: folder))
    else {
      throw DatasetError.unreadableFile(
        path: path, reason: "it has changed while it was read; start again when nobody writes to it")
    }
    try writers.commit(names, of: path, note: limit.map { writers.note(note, limit: $0) } ?? note)
    guard let set = ShardSet(names, student, teacher) else {
      throw DatasetError.unreadableFile(
        path: names.student.path, reason: "it was removed or changed as soon as it was written")
    }
    listener.note(
      "\(set.note) (tokenized into \(names.student.path), \(set.student.byteCount / 1_000_000) MB)")
    return set
  }
}

/// Names of the files of a split's tokens, and the number that says what they are made of.
private struct ShardNames: Equatable {
  let key: UInt64
  let student: URL
  let teacher: URL
  let alignments: URL

  init(
    _ reader: TaskReader, _ split: DataSplit, path: String, limit: Int?, _ student: TokenReader,
    _ teacher: TokenReader?, in folder: URL
  ) throws {
    let url = URL(filePath: path).standardizedFileURL
    let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
    let size = (attributes?[.size] as? NSNumber)?.intValue ?? -1
    let changed = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
    let identity = try reader.identity(of: split)
    func key(_ more: [String]) -> UInt64 {
      var hash = FNV1a()
      let parts = ["potstill rows 1", url.path, "\(size)", "\(changed.bitPattern)", "\(limit ?? -1)"]
      for part in parts + [identity] + more { hash.add(part: Array(part.utf8)) }
      return hash.value
    }
    let own = [student.fingerprint, "\(student.limit)"]
    let both = own + (teacher.map { [$0.fingerprint, "\($0.limit)"] } ?? [])
    self.key = key(both)
    func name(_ key: UInt64, _ part: String) -> URL {
      let digits = String(key, radix: 16)
      let name = url.deletingPathExtension().lastPathComponent.prefix(64)
      return folder.appending(
        path: "\(name)-\(String(repeating: "0", count: 16 - digits.count))\(digits).\(part)")
    }
    self.student = name(self.key, "rows")
    self.teacher = name(self.key, "teacher.rows")
    alignments = name(self.key, "aligned.rows")
  }
}

/// Files of a split's tokens.
private struct ShardSet {
  let student: RowShard
  let teacher: RowShard?
  let alignments: RowShard?

  /// The files of some names; nil where one is missing or made of something else.
  init?(_ names: ShardNames, _ student: TokenReader, _ teacher: TokenReader?) {
    guard let own = RowShard(names.student, key: names.key, idLimit: student.tokenizer.idLimit) else {
      return nil
    }
    self.student = own
    guard let teacher else {
      (self.teacher, alignments) = (nil, nil)
      return
    }
    guard let other = RowShard(names.teacher, key: names.key, idLimit: teacher.tokenizer.idLimit),
      let alignments = RowShard(names.alignments, key: names.key, idLimit: 0),
      other.count == own.count, alignments.count == own.count
    else { return nil }
    (self.teacher, self.alignments) = (other, alignments)
  }

  private func number(_ name: String) -> Int { student.note[name]?.intValue ?? 0 }

  /// The number of rows, and how many of them have an answer.
  var rowCount: Int { number("rows") }
  var labelledCount: Int { number("labelled") }
  /// The number of rows of the file.
  var allCount: Int { number("all") }
  var shortenedCount: Int { number("shortened") }
  /// The note for people.
  var note: String { student.note["note"]?.stringValue ?? "" }

  /// A row of two texts where there is one.
  var pairs: TaskExamples? {
    guard let line = student.note["pair_line"]?.intValue else { return nil }
    return student.note["questions"]?.boolValue == true
      ? .questions([Question(id: "", text: "", context: "")])
      : .texts([TextExample(text: "", pair: "", line: line)])
  }
}

/// Writers of the files of a split's tokens.
private struct ShardWriters {
  private var student: RowShardWriter
  private var teacher: RowShardWriter?
  private var alignments: RowShardWriter?
  private var (rowCount, labelledCount, shortenedCount) = (0, 0, 0)
  private var pairLine: Int?
  private var areQuestions = false
  /// The number of rows of the file.
  var allCount = 0

  init(_ names: ShardNames, isAligned: Bool) throws {
    student = try RowShardWriter(names.student)
    teacher = isAligned ? try RowShardWriter(names.teacher) : nil
    alignments = isAligned ? try RowShardWriter(names.alignments) : nil
  }

  mutating func add(_ rows: TaskExamples, _ encoded: EncodedTask, _ aligned: AlignedExamples?) throws {
    rowCount += rows.count
    labelledCount += rows.labelledCount
    switch rows {
    case .texts(let texts): pairLine = pairLine ?? texts.first { $0.pair != nil }?.line
    case .questions: (pairLine, areQuestions) = (0, true)
    case .sentences: break
    }
    for example in encoded.examples {
      try student.add(example, length: example.length, hasTarget: example.target != .none)
    }
    guard let aligned else { return }
    shortenedCount += aligned.shortenedCount
    for example in aligned.teacher { try teacher?.add(example, length: example.length, hasTarget: false) }
    for alignment in aligned.alignments {
      try alignments?.add(alignment, length: alignment.studentTokens.count, hasTarget: false)
    }
  }

  /// The note of the first rows of a file.
  func note(_ note: String, limit: Int) -> String {
    guard rowCount < allCount else { return note }
    var lines = note.components(separatedBy: "\n")
    lines[0] += ", \(limit == 1 ? "the first" : "the first \(limit)") taken"
    return lines.joined(separator: "\n")
  }

  /// Gives the files their names, the student's last: where it is, the others are.
  mutating func commit(_ names: ShardNames, of path: String, note: String) throws {
    var object = JSONObject()
    (object["rows"], object["all"]) = (.integer(rowCount), .integer(allCount))
    (object["labelled"], object["shortened"]) = (.integer(labelledCount), .integer(shortenedCount))
    object["source"] = .string(path)
    (object["note"], object["questions"]) = (.string(note), .bool(areQuestions))
    object["pair_line"] = pairLine.map { .integer($0) }
    try teacher?.commit(key: names.key, note: .object(JSONObject()))
    try alignments?.commit(key: names.key, note: .object(JSONObject()))
    try student.commit(key: names.key, note: .object(object))
  }
}

extension TaskExamples {
  /// The rows at some places.
  fileprivate func places(_ places: [Int]) -> TaskExamples {
    switch self {
    case .texts(let rows): .texts(places.map { rows[$0] })
    case .sentences(let rows): .sentences(places.map { rows[$0] })
    case .questions(let rows): .questions(places.map { rows[$0] })
    }
  }
}
