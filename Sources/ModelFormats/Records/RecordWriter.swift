import Foundation
package import Kernels

/// Bytes of a record that is put together part by part; what is left is 0.
package struct RecordBytes {
  package private(set) var bytes: [UInt8]
  private var end = 0

  /// A record of some bytes, all 0.
  package init(byteCount: Int) { bytes = [UInt8](repeating: 0, count: byteCount) }

  /// A record that is complete, as another process has made it.
  package init(_ bytes: [UInt8]) { (self.bytes, end) = (bytes, bytes.count) }

  /// Appends a part.
  ///
  /// - Parameters:
  ///   - values: The values of many examples.
  ///   - range: The values of this one.
  ///   - form: The form of the numbers.
  /// - Returns: The number of values that the form cannot hold: those that are NaN or too large for half precision.
  package mutating func append(_ values: Storage, _ range: Range<Int>, as form: RecordNumbers) -> Int {
    let part = end..<end + range.count * form.byteCount
    precondition(
      range.lowerBound >= 0 && range.upperBound <= values.count && part.upperBound <= bytes.count,
      "A record of \(bytes.count) bytes has no room for bytes \(part), or the values \(range) do not exist.")
    end = part.upperBound
    return bytes.withUnsafeMutableBytes { buffer in
      guard let target = buffer.baseAddress.map({ $0 + part.lowerBound }) else { return 0 }
      return values.withUnsafeMutablePointer { values in
        let source = values + range.lowerBound
        switch form {
        case .float32:
          target.copyMemory(from: source, byteCount: part.count)
          return 0
        case .float16:
          return target.withMemoryRebound(to: UInt16.self, capacity: range.count) {
            HalfPrecision.narrow(source, into: $0, count: range.count)
          }
        }
      }
    }
  }
}

/// Writer of a file of records, in any order and by several processes one after the other.
///
/// Each checksum is written after its record, so what a crash leaves is recognised record by record and kept.
package final class RecordWriter {
  private let layout: RecordLayout
  private let file: PartialFile

  /// Opens the unfinished file that an interrupted process has left if it has the same head, or begins a new one.
  package init(_ layout: RecordLayout, target: URL) throws(PartialFileError) {
    self.layout = layout
    file = try PartialFile(target)
    guard try file.read(0, layout.head.bytes.count) != layout.head.bytes else { return }
    try file.reset(byteCount: layout.fileSize)
    try file.write(layout.head.bytes, at: 0)
  }

  /// The records that are not there, or not as they were written.
  package func missingRecords() throws(PartialFileError) -> [Int] {
    var missing: [Int] = []
    for record in 0..<layout.count {
      let stored = try file.read(layout.checksumOffset(record), 8)
      if stored.contains(where: { $0 != 0 }) {
        let range = layout.range(record)
        let checksum = RecordLayout.checksum(try file.read(range.lowerBound, range.count))
        if Self.bytes(of: checksum) == stored { continue }
      }
      missing.append(record)
    }
    return missing
  }

  /// Writes a record, and then that it is there.
  package func write(_ record: RecordBytes, at index: Int) throws(PartialFileError) {
    let range = layout.range(index)
    precondition(
      record.bytes.count == range.count,
      "Record \(index) has \(range.count) bytes, found \(record.bytes.count).")
    try file.write(record.bytes, at: range.lowerBound)
    try file.write(Self.bytes(of: RecordLayout.checksum(record.bytes)), at: layout.checksumOffset(index))
  }

  /// Gives the file its name.
  package func commit() throws(PartialFileError) { try file.commit() }

  private static func bytes(of checksum: UInt64) -> [UInt8] {
    withUnsafeBytes(of: checksum.littleEndian) { Array($0) }
  }
}
