import ModelFormats
import Synchronization

/// Rows in their order, in memory or in files of tokenized rows, which are read when they are asked for.
///
/// A row that can no longer be read is given as an empty one, and `check()` then says so: whoever packs a batch calls it.
public struct DataRows<Row: Sendable>: RandomAccessCollection, Sendable {
  private enum Source {
    case memory([Row])
    case files(any RowSource<Row>)
  }

  private let source: Source
  private let change: (@Sendable (Row) -> Row)?
  /// Place of a row in the file of its text, as messages name it; nil where it is not known.
  private let origin: (@Sendable (Int) -> String?)?

  private init(
    _ source: Source, _ change: (@Sendable (Row) -> Row)?, _ origin: (@Sendable (Int) -> String?)? = nil
  ) {
    (self.source, self.change, self.origin) = (source, change, origin)
  }

  /// Rows in memory.
  public init(_ rows: [Row]) { self.init(.memory(rows), nil) }

  /// Rows in files.
  package init(_ rows: any RowSource<Row>) { self.init(.files(rows), nil) }

  /// 0.
  public var startIndex: Int { 0 }
  /// The number of rows.
  public var endIndex: Int {
    switch source {
    case .memory(let rows): rows.count
    case .files(let rows): rows.count
    }
  }

  /// A row.
  public subscript(index: Int) -> Row {
    let row =
      switch source {
      case .memory(let rows): rows[index]
      case .files(let rows): rows.row(index)
      }
    return change.map { $0(row) } ?? row
  }

  /// The files of the rows; nil where they are in memory.
  var files: (any RowSource<Row>)? { if case .files(let rows) = source { rows } else { nil } }

  /// Place of a row as messages name it: file and line of its text, or where it was tokenized before, its number in that file; nil
  /// where nothing is known.
  package func place(of index: Int) -> String? { origin?(index) ?? files?.origin(of: index) }

  /// The same rows with their places in the files of their texts.
  package func placed(by places: @escaping @Sendable (Int) -> String?) -> DataRows {
    DataRows(source, change, places)
  }

  /// Some of the rows in memory by their indices, with their places.
  func chosen(_ indices: [Int]) -> DataRows {
    let places = origin.map { origin in { @Sendable (index: Int) in origin(indices[index]) } }
    return DataRows(.memory(indices.map { self[$0] }), nil, places)
  }

  /// Whether the rows are in files.
  package var isStored: Bool { files != nil }

  /// Other rows, changed as these are when they are read.
  func with(_ rows: any RowSource<Row>) -> DataRows { DataRows(.files(rows), change) }

  /// The rows with each changed as it is read.
  func changed(_ body: @escaping @Sendable (Row) -> Row) -> DataRows {
    switch source {
    case .memory(let rows): DataRows(.memory(rows.map(body)), nil, origin)
    case .files:
      DataRows(source, change.map { first in { @Sendable row in body(first(row)) } } ?? body, origin)
    }
  }

  /// Checks that all rows so far could be read.
  ///
  /// - Throws: `DatasetError.unreadableFile` for the first that could not.
  public func check() throws(DatasetError) {
    if case .files(let rows) = source, let failure = rows.failure { throw failure }
  }

  /// The rows one after the other, read in blocks.
  public func makeIterator() -> Iterator { Iterator(self) }

  /// Iterator that reads rows of files in blocks.
  public struct Iterator: IteratorProtocol {
    private let rows: DataRows
    private var block: ArraySlice<Row> = []
    private var place = 0

    fileprivate init(_ rows: DataRows) { self.rows = rows }

    /// The next row; nil behind the last.
    public mutating func next() -> Row? {
      if block.isEmpty {
        guard place < rows.count else { return nil }
        switch rows.source {
        case .memory(let all): block = all[...]
        case .files(let files): block = files.block(place..<Swift.min(rows.count, place + 4096))[...]
        }
        place += block.count
      }
      return block.popFirst().map { row in rows.change.map { $0(row) } ?? row }
    }
  }
}

/// Source of rows that are not in memory.
package protocol RowSource<Row>: Sendable {
  /// A row.
  associatedtype Row: Sendable
  /// The number of rows.
  var count: Int { get }
  /// The first failure of reading.
  var failure: DatasetError? { get }
  /// A row; an empty one where it cannot be read.
  func row(_ index: Int) -> Row
  /// Rows that follow one another.
  func block(_ range: Range<Int>) -> [Row]
  /// Place of a row, as messages name it.
  func origin(of index: Int) -> String
}

/// Row that is kept as words of 32 bits.
package protocol StoredRow: Sendable {
  /// The row that stands where one cannot be read.
  static var unreadable: Self { get }
  /// The row that some words are; nil when they are none.
  init?(words: inout RecordWords)
  /// Appends the words of the row.
  func append(to words: inout [Int32])
}

/// Words of a record that are taken one after the other.
package struct RecordWords {
  private var rest: ArraySlice<Int32>
  /// One more than the largest id of a token.
  package let idLimit: Int

  init(_ words: ArraySlice<Int32>, idLimit: Int) { (rest, self.idLimit) = (words, idLimit) }

  /// Whether all were taken.
  var isEmpty: Bool { rest.isEmpty }

  /// The next word; nil behind the last.
  package mutating func next() -> Int32? { rest.popFirst() }

  /// The next word as a number of others, of which no more follow than there are.
  package mutating func count() -> Int? {
    rest.popFirst().flatMap { $0 >= 0 && $0 <= rest.count ? Int($0) : nil }
  }

  /// The next words; nil where there are fewer.
  package mutating func next(_ count: Int) -> ArraySlice<Int32>? {
    guard count >= 0, count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}

/// Rows of some files, one after the other, or some of them.
package final class ShardRows<Row: StoredRow>: RowSource {
  package let count: Int
  private let shards: [RowShard]
  /// The place behind the last row of each file.
  private let ends: [Int]
  /// The rows that are meant, by their places; nil for all.
  private let places: [UInt32]?
  private let state = Mutex<DatasetError?>(nil)

  /// The first rows of files, as many as a limit lets.
  package convenience init(_ shards: [RowShard], limit: Int? = nil) {
    self.init(shards, places: nil, limit: limit)
  }

  private init(_ shards: [RowShard], places: [UInt32]?, limit: Int?) {
    (self.shards, self.places) = (shards, places)
    ends = shards.reduce(into: []) { $0.append(($0.last ?? 0) + $1.count) }
    count = Swift.min(limit ?? .max, places?.count ?? ends.last ?? 0)
  }

  package var failure: DatasetError? { state.withLock(\.self) }

  /// The rows that have a target.
  var withTarget: ShardRows {
    let all = (0..<count).lazy.map(place).filter { self.shards[$0.shard].hasTarget($0.row) }
    let kept = all.map { UInt32(($0.shard == 0 ? 0 : self.ends[$0.shard - 1]) + $0.row) }
    return ShardRows(shards, places: Array(kept), limit: nil)
  }

  /// The number of rows that have a target.
  var targetCount: Int {
    if places == nil, count == ends.last ?? 0 { return shards.reduce(0) { $0 + $1.targetCount } }
    return (0..<count).lazy.map(place).count { self.shards[$0.shard].hasTarget($0.row) }
  }

  /// The number of tokens of each row [count].
  var lengths: [Int] {
    if places == nil, shards.count == 1, count == shards[0].count { return shards[0].lengths }
    return (0..<count).map { index in
      let place = place(index)
      return shards[place.shard].lengths[place.row]
    }
  }

  private func place(_ index: Int) -> (shard: Int, row: Int) {
    precondition(index >= 0 && index < count, "There is no row \(index) among \(count).")
    let index = places.map { Int($0[index]) } ?? index
    let shard = ends.firstIndex { index < $0 } ?? 0
    return (shard, index - (shard == 0 ? 0 : ends[shard - 1]))
  }

  package func row(_ index: Int) -> Row {
    let place = place(index)
    return rows(place.row..<place.row + 1, of: shards[place.shard])[0]
  }

  package func origin(of index: Int) -> String {
    let place = place(index)
    return shards[place.shard].place(of: place.row)
  }

  package func block(_ range: Range<Int>) -> [Row] {
    guard places == nil else { return range.map(row) }
    var (rows, next): ([Row], Int) = ([], range.lowerBound)
    while next < range.upperBound {
      let place = place(next)
      let end = Swift.min(range.upperBound, ends[place.shard])
      rows += self.rows(place.row..<place.row + end - next, of: shards[place.shard])
      next = end
    }
    return rows
  }

  private func rows(_ range: Range<Int>, of shard: RowShard) -> [Row] {
    do throws(DatasetError) {
      let (words, starts) = try shard.words(range)
      var rows: [Row] = []
      for (index, row) in range.enumerated() {
        var record = RecordWords(words[starts[index]..<starts[index + 1]], idLimit: shard.idLimit)
        guard let made = Row(words: &record), record.isEmpty else { throw shard.damage(row) }
        rows.append(made)
      }
      return rows
    } catch {
      state.withLock { $0 = $0 ?? error }
      return [Row](repeating: .unreadable, count: range.count)
    }
  }
}
