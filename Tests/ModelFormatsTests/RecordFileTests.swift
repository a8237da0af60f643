import Foundation
import Kernels
import ModelFormats
import TestSupport
import Testing

/// Files of records: their bytes, what is read of them, damage, and what an interrupted writer leaves.
@Suite struct RecordFileTests {
  private let folder: TemporaryFolder
  private let head = RecordHead(["examples": 3], lengths: [1, 2, 1])
  private var layout: RecordLayout { RecordLayout(head, recordBytes: [16, 16, 16]) }
  private var target: URL { folder.url.appending(path: "records") }

  /// One number of each example in single precision, and three of each token in half precision.
  private let single: [Float] = [0.1, -2.5, 3]
  private let half: [Float] = [1, 0.5, -0.25, 65504, 1 / 3, 0, -1, 2, 1e-8, 7, 8, 9]
  private let halfRanges = [0..<3, 3..<9, 9..<12]

  init() throws { folder = try TemporaryFolder() }

  private func write(_ writer: RecordWriter, _ records: [Int]) throws {
    for record in records {
      var bytes = RecordBytes(byteCount: 16)
      let misfits =
        bytes.append(Storage(single), record..<record + 1, as: .float32)
        + bytes.append(Storage(half), halfRanges[record], as: .float16)
      #expect(misfits == 0)
      try writer.write(bytes, at: record)
    }
  }

  private func written() throws -> RecordFile {
    let file = try FileReader(path: target.path)
    let head = try RecordHead(reading: file)
    #expect(head.lengths == [1, 2, 1] && head.description == ["examples": 3])
    return try RecordFile(file, RecordLayout(head, recordBytes: [16, 16, 16]))
  }

  @Test func theBytesAreThoseOfTheDescription() throws {
    let writer = try RecordWriter(layout, target: target)
    #expect(try writer.missingRecords() == [0, 1, 2])
    try write(writer, [2, 0, 1])
    #expect(try writer.missingRecords() == [])
    try writer.commit()
    #expect(try Data(contentsOf: target) == Data(contentsOf: Fixtures.url("formats/records.bin")))
  }

  @Test func valuesGoToTheirPlaces() throws {
    let writer = try RecordWriter(layout, target: target)
    try write(writer, [0, 1, 2])
    try writer.commit()
    let file = try written()
    #expect(file.firstMissing == nil)
    #expect(try [0, 1, 2, 1].allSatisfy { try file.isIntact($0) })
    let order = [2, 0, 1, 2]
    let numbers = try file.values(
      of: order.enumerated().map { RecordPiece(record: $1, offset: 0, count: 1, places: $0..<$0 + 1) },
      as: .float32, count: 4)
    #expect(numbers.values == order.map { single[$0] })
    // What a part leaves of its places becomes 0.
    let rows = try file.values(
      of: [
        RecordPiece(record: 1, offset: 4, count: 6, places: 4..<12),
        RecordPiece(record: 2, offset: 4, count: 3, places: 0..<4),
      ], as: .float16, count: 12)
    #expect(rows.values == [7, 8, 9, 0, 65504, 0.33325195, 0, -1, 2, 0, 0, 0])
  }

  @Test func anInterruptedWriterLeavesWhatIsWhole() throws {
    try write(try RecordWriter(layout, target: target), [0, 1])
    let partial = URL(filePath: target.path + ".partial")
    var bytes = [UInt8](try Data(contentsOf: partial))
    bytes[90] ^= 1
    try Data(bytes).write(to: partial)
    let writer = try RecordWriter(layout, target: target)
    #expect(try writer.missingRecords() == [0, 2])
    try write(writer, [0])
    try writer.commit()
    #expect(try written().firstMissing == 2)
    // Another head begins anew.
    let other = RecordLayout(RecordHead(["examples": 1], lengths: [1]), recordBytes: [16])
    try write(try RecordWriter(layout, target: target), [0])
    #expect(try RecordWriter(other, target: target).missingRecords() == [0])
  }

  @Test func damageIsTold() throws {
    let writer = try RecordWriter(layout, target: target)
    try write(writer, [0, 1, 2])
    try writer.commit()
    let whole = [UInt8](try Data(contentsOf: target))
    func fault(_ change: (inout [UInt8]) -> Void) throws -> RecordFileError? {
      var bytes = whole
      change(&bytes)
      try Data(bytes).write(to: target)
      do { _ = try written() } catch { return error as? RecordFileError }
      return nil
    }
    #expect(try fault { _ in } == nil)
    #expect(try fault { $0[0] = 0 } == .foreign)
    #expect(try fault { $0.removeAll() } == .foreign)
    #expect(try fault { $0[8] = 2 } == .version(found: 2, expected: 1))
    #expect(try fault { $0[50] ^= 1 } == .damaged)
    #expect(try fault { $0.append(0) } == .size(found: 137, expected: 136))
    #expect(try fault { $0[130] ^= 1 } == nil)
    let file = try written()
    #expect(try file.isIntact(1) && !file.isIntact(2))
  }

  @Test("a file that somebody writes into while it is read is compared again")
  func writtenMeanwhile() throws {
    let writer = try RecordWriter(layout, target: target)
    try write(writer, [0, 1, 2])
    try writer.commit()
    let file = try written()
    #expect(try [0, 1, 2].allSatisfy { try file.isIntact($0) })
    let end = try FileHandle(forUpdating: target).seekToEnd()
    // In place, as a program does that opens it again: the last record, which lies at the end.
    let handle = try FileHandle(forUpdating: target)
    try handle.seek(toOffset: end - 2)
    let bytes = try #require(try handle.readToEnd())
    try handle.seek(toOffset: end - 2)
    try handle.write(contentsOf: Data(bytes.map { $0 ^ 2 }))
    try handle.close()
    #expect(try file.isIntact(0) && file.isIntact(1) && !file.isIntact(2))
  }

  @Test func misfitsOfHalfPrecisionAreCounted() {
    var bytes = RecordBytes(byteCount: 16)
    let misfits = bytes.append(Storage([1, 65519, 65520, .nan, 65519]), 1..<4, as: .float16)
    #expect(misfits == 2)
    let exact = bytes.append(Storage([.nan]), 0..<1, as: .float32)
    #expect(exact == 0)
  }
}
