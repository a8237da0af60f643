import CKernels
import Foundation

/// A run of Float32 values: a pooled buffer, a part of another storage, or memory somebody else owns (a file's bytes).
///
/// Sendable because it is written once, by the operation that creates it, and only read after that. Parameters' values
/// and gradients alone change in place, and parameters and tapes, which do that, are not Sendable.
package final class Storage: @unchecked Sendable {
  /// The first value, aligned to 64 bytes when the buffer comes from the pool.
  let pointer: UnsafeMutablePointer<Float>
  /// The number of values.
  package let count: Int
  private let owner: Owner

  private enum Owner {
    case pool(BufferPool.Block)
    case other(AnyObject)
  }

  /// An uninitialised buffer for `count` values from the pool; `lasting` says that it stays from step to step.
  package init(uninitialized count: Int, lasting: Bool = false) {
    let block = BufferPool.shared.take(count, lasting: lasting)
    self.pointer = block.pointer
    self.count = count
    self.owner = .pool(block)
  }

  /// Memory kept alive by `owner`, read-only unless the owner's pages are private and writable.
  package init(borrowing pointer: UnsafeMutablePointer<Float>, count: Int, owner: AnyObject) {
    self.pointer = pointer
    self.count = count
    self.owner = .other(owner)
  }

  /// `count` values of this storage from `offset` on, sharing its memory.
  package func slice(_ offset: Int, _ count: Int) -> Storage {
    precondition(offset >= 0 && offset + count <= self.count, "A slice must lie inside its storage.")
    return Storage(borrowing: pointer + offset, count: count, owner: self)
  }

  /// A pooled copy of `values`.
  package convenience init(_ values: [Float]) {
    self.init(uninitialized: values.count)
    values.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { pointer.update(from: base, count: values.count) }
    }
  }

  /// A pooled buffer filled with one value.
  package static func filled(_ value: Float, count: Int) -> Storage {
    let storage = Storage(uninitialized: count)
    storage.pointer.update(repeating: value, count: count)
    return storage
  }

  /// A buffer of zeros that stays from step to step; a large one takes memory only where it is written to.
  package static func lastingZeros(count: Int) -> Storage {
    let storage = Storage(uninitialized: count, lasting: true)
    if !storage.isZero { storage.pointer.update(repeating: 0, count: count) }
    return storage
  }

  /// Whether the buffer has come from the system as zeros; meaningless once it has been written to.
  package var isZero: Bool {
    if case .pool(let block) = owner { block.isZero } else { false }
  }

  /// A pooled copy of this storage.
  package func copy() -> Storage {
    let result = Storage(uninitialized: count)
    result.pointer.update(from: pointer, count: count)
    return result
  }

  /// One value, to read; loops belong into kernels.
  package subscript(index: Int) -> Float {
    precondition(index >= 0 && index < count, "Value \(index) does not exist in a storage of \(count).")
    return pointer[index]
  }

  /// A storage of one value.
  package convenience init(_ value: Float) {
    self.init(uninitialized: 1)
    pointer[0] = value
  }

  /// Runs `body` with the address of the values, for readers and writers of files; everything else goes through kernels.
  package func withUnsafeMutablePointer<Result, Failure: Error>(
    _ body: (_ values: UnsafeMutablePointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(pointer)
  }

  /// Whether two storages hold the same bits.
  package func hasSameBits(as other: Storage) -> Bool {
    count == other.count && memcmp(pointer, other.pointer, count * 4) == 0
  }

  /// Overwrites this storage with another's values, as many.
  package func assign(_ other: Storage) {
    precondition(other.count == count, "A storage of \(count) values cannot take \(other.count).")
    pointer.update(from: other.pointer, count: count)
  }

  /// The values as an array.
  package var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

  deinit {
    if case .pool(let block) = owner { BufferPool.shared.give(block) }
  }
}

/// Conversion between Float32 and the two types of 16 bits, at the speed of memory.
package enum HalfPrecision {
  /// Writes the exact values of `count` halves.
  package static func widen(
    _ source: UnsafePointer<UInt16>, into target: UnsafeMutablePointer<Float>, count: Int
  ) {
    ps_f16_to_f32(source, target, Int64(count))
  }

  /// Rounds `count` values to the nearest half, ties to even.
  ///
  /// - Returns: How many are NaN or too large for a half (65520 and more).
  package static func narrow(
    _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<UInt16>, count: Int
  ) -> Int {
    Int(ps_f32_to_f16(source, target, Int64(count)))
  }

  /// Writes the exact values of `count` numbers of bfloat16.
  package static func widenBrain(
    _ source: UnsafePointer<UInt16>, into target: UnsafeMutablePointer<Float>, count: Int
  ) {
    ps_bf16_to_f32(source, target, Int64(count))
  }

  /// Rounds `count` values to the nearest bfloat16, ties to even.
  ///
  /// - Returns: How many are NaN or too large (0x1.ffp127 and more).
  package static func narrowToBrain(
    _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<UInt16>, count: Int
  ) -> Int {
    Int(ps_f32_to_bf16(source, target, Int64(count)))
  }
}
