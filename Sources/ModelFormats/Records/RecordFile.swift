package import Kernels
import Synchronization

/// Form of the numbers in a part of a record.
package enum RecordNumbers: Sendable {
  /// Single precision, to the bit.
  case float32
  /// Half precision, to which values are rounded.
  case float16

  /// The bytes of a number.
  package var byteCount: Int {
    switch self {
    case .float32: 4
    case .float16: 2
    }
  }
}

/// Part of a record, and the places of its values among those that are read at once.
package struct RecordPiece: Sendable {
  fileprivate let record: Int
  fileprivate let offset: Int
  fileprivate let count: Int
  fileprivate let places: Range<Int>

  /// A part of a record.
  ///
  /// - Parameters:
  ///   - record: The number of the record.
  ///   - offset: The byte of the record at which the part begins.
  ///   - count: The numbers of the part.
  ///   - places: The places of its values; those left over become 0.
  package init(record: Int, offset: Int, count: Int, places: Range<Int>) {
    precondition(count >= 0 && count <= places.count, "\(places.count) places do not take \(count) values.")
    (self.record, self.offset, self.count, self.places) = (record, offset, count, places)
  }
}

/// Reader of a file of records: parts of any of them at once, straight into the buffer of a tensor.
package final class RecordFile: Sendable {
  private let file: FileReader
  private let layout: RecordLayout
  /// A checksum of each record.
  private let checksums: [UInt64]
  private let verified: Mutex<Verified>

  /// The records that have been compared with their checksums, and the state of the file then.
  private struct Verified {
    var records: [Bool]
    var state: FileReader.State
  }

  /// The records of a file whose head has been read.
  ///
  /// - Throws: `RecordFileError` when the size does not fit the layout, or the checksums cannot be read.
  package init(_ file: FileReader, _ layout: RecordLayout) throws(RecordFileError) {
    guard file.count == layout.fileSize else {
      throw .size(found: file.count, expected: layout.fileSize)
    }
    self.file = file
    self.layout = layout
    do { checksums = try file.numbers(layout.count, at: layout.checksumOffset(0)) } catch {
      throw .unreadable(error)
    }
    verified = Mutex(Verified(records: [Bool](repeating: false, count: layout.count), state: file.state))
  }

  /// The first record that has not been written; nil when all are there.
  package var firstMissing: Int? { checksums.firstIndex(of: 0) }

  /// Whether a record has the checksum it was written with; compared when it is first asked for, and again once somebody has
  /// written to the file.
  ///
  /// - Throws: `FormatError.cannotRead`.
  package func isIntact(_ record: Int) throws(FormatError) -> Bool {
    let state = file.state
    let isKnown = verified.withLock { verified in
      if verified.state != state {
        verified = Verified(records: [Bool](repeating: false, count: layout.count), state: state)
      }
      return verified.records[record]
    }
    if isKnown { return true }
    let range = layout.range(record)
    let bytes: [UInt8] = try file.numbers(range.count, at: range.lowerBound)
    guard RecordLayout.checksum(bytes) == checksums[record] else { return false }
    verified.withLock { if $0.state == state { $0.records[record] = true } }
    return true
  }

  /// Values of parts of records.
  ///
  /// - Parameters:
  ///   - pieces: The parts; their places are disjoint and cover the result.
  ///   - form: The form of their numbers.
  ///   - count: The number of values of the result.
  /// - Throws: `FormatError.cannotRead` when the file has become shorter, or the system cannot read it.
  package func values(
    of pieces: [RecordPiece], as form: RecordNumbers, count: Int
  ) throws(FormatError) -> Storage {
    precondition(
      pieces.allSatisfy { $0.places.lowerBound >= 0 && $0.places.upperBound <= count },
      "Values of records must lie inside the \(count) that are read.")
    let storage = Storage(uninitialized: count)
    let failure = Mutex<FormatError?>(nil)
    // A block of a few records is enough work for a worker to be woken.
    Parallel.forEach(pieces.count, grain: 4) { range in
      var halves: [UInt16] = []
      for index in range {
        do throws(FormatError) {
          try read(pieces[index], as: form, into: storage, &halves)
        } catch {
          failure.withLock { $0 = $0 ?? error }
        }
      }
    }
    if let error = failure.withLock(\.self) { throw error }
    return storage
  }

  private func read(
    _ piece: RecordPiece, as form: RecordNumbers, into storage: Storage, _ halves: inout [UInt16]
  ) throws(FormatError) {
    let (count, start) = (piece.count, layout.range(piece.record).lowerBound + piece.offset)
    let bytes = start..<start + count * form.byteCount
    let target = storage.withUnsafeMutablePointer { $0 + piece.places.lowerBound }
    switch form {
    case .float32: try file.read(bytes, into: target)
    case .float16:
      if halves.count < count { halves = [UInt16](repeating: 0, count: count) }
      try halves.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
        guard let base = buffer.baseAddress else { return }
        try file.read(bytes, into: base)
        HalfPrecision.widen(base, into: target, count: count)
      }
    }
    (target + count).update(repeating: 0, count: piece.places.count - count)
  }
}
