import Foundation
import Kernels

/// Communicator of the ranks that work on one run: which of them this process is, and what they tell each other.
///
/// Each function is collective: every rank calls it, in one order. What comes out is the same on all ranks, to the bit.
package protocol Communicator: AnyObject, Sendable {
  /// Rank of this process, from 0.
  var rank: Int { get }
  /// Number of ranks, at least 1.
  var size: Int { get }
  /// The bytes of every rank, in the order of the ranks.
  func gather(_ bytes: [UInt8]) -> [[UInt8]]
  /// The bytes of every rank, in the order of the ranks, on rank 0; nothing on the others.
  func collect(_ bytes: [UInt8]) -> [[UInt8]]
  /// Replaces values by those of a rank; there must be as many on every rank.
  func broadcast(_ values: Storage, from root: Int)
  /// Replaces bytes by those of rank 0; there must be as many on every rank.
  func broadcast(_ bytes: inout [UInt8])
  /// Sums values over all ranks in the order of the ranks; there are at most 2²⁸, as many on every rank.
  func sum(_ values: Storage)
  /// Waits until every rank is here.
  func barrier()
}

extension MPIWorld: Communicator {}

/// Communicator of a process that works alone.
package final class SoleRank: Communicator {
  /// The only rank.
  package let rank = 0
  /// One.
  package let size = 1

  package init() {}

  package func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
  package func collect(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
  package func broadcast(_ values: Storage, from root: Int) {}
  package func broadcast(_ bytes: inout [UInt8]) {}
  package func sum(_ values: Storage) {}
  package func barrier() {}
}

extension Communicator {
  /// Whether this is the rank that decides, writes and prints.
  package var isFirst: Bool { rank == 0 }

  /// Replaces values by those of rank 0; there must be as many on every rank.
  package func broadcast(_ values: Storage) { broadcast(values, from: 0) }

  /// Whether something is so on any rank.
  package func any(_ flag: Bool) -> Bool {
    size == 1 ? flag : gather([flag ? 1 : 0]).contains([1])
  }

  /// Whether something is so on rank 0, which alone looks.
  ///
  /// - Throws: What looking throws on rank 0, on the others a `RankError` with that.
  package func first(_ flag: () throws -> Bool) throws -> Bool {
    if size == 1 { return try flag() }
    return try exchange { [isFirst ? try flag() ? 1 : 0 : 0] }[0] == [1]
  }

  /// Numbers of rank 0; there must be as many on every rank.
  package func first(_ numbers: [Double]) -> [Double] {
    if size == 1 { return numbers }
    var bytes = RankWords(numbers).bytes
    broadcast(&bytes)
    return RankWords(bytes).numbers
  }

  /// The numbers of every rank, in the order of the ranks; they may differ in number.
  package func gather(_ numbers: [Double]) -> [[Double]] {
    size == 1 ? [numbers] : gather(RankWords(numbers).bytes).map { RankWords($0).numbers }
  }

  /// A text of rank 0.
  package func first(_ text: String) -> String {
    size == 1 ? text : String(decoding: gather(isFirst ? Array(text.utf8) : [])[0], as: UTF8.self)
  }

  /// Does a piece of work on every rank and gathers what comes of it; if it fails on one, it fails on all.
  ///
  /// - Parameter work: The work, in which nothing collective may be called; its answer.
  /// - Throws: What the work has thrown on this rank, else a `RankError` of the first rank on which it has failed.
  package func exchange(_ work: () throws -> [UInt8]) throws -> [[UInt8]] {
    if size == 1 { return [try work()] }
    let own: Result<[UInt8], any Error>
    do { own = .success(try work()) } catch { own = .failure(error) }
    let all =
      switch own {
      case .success(let bytes): gather([1] + bytes)
      case .failure(let error): gather([0] + Array("\(error)".utf8))
      }
    if case .failure(let error) = own { throw error }
    if let rank = all.firstIndex(where: { $0.first == 0 }) {
      throw RankError(rank: rank, size: size, message: String(decoding: all[rank].dropFirst(), as: UTF8.self))
    }
    return all.map { Array($0.dropFirst()) }
  }

  /// Does a piece of work on rank 0 first, and on the others once it is done there, such as finding the file that it makes.
  ///
  /// - Throws: What the work throws; on the others, where rank 0 has failed, a `RankError` with that.
  package func firstThenOthers<Value>(_ work: () throws -> Value) throws -> Value {
    var value: Value?
    _ = try exchange {
      if isFirst { value = try work() }
      return []
    }
    return try value ?? work()
  }
}

/// Words of 32 bits in the form in which ranks send them: four bytes each, the lowest first.
package struct RankWords {
  /// The words as bytes.
  package private(set) var bytes: [UInt8]
  private var next = 0

  /// Words to be read, or to be added to.
  package init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// Adds words.
  package mutating func append(_ words: some Collection<UInt32>) {
    bytes.reserveCapacity(bytes.count + 4 * words.count)
    for word in words {
      bytes.append(UInt8(truncatingIfNeeded: word))
      bytes.append(UInt8(truncatingIfNeeded: word >> 8))
      bytes.append(UInt8(truncatingIfNeeded: word >> 16))
      bytes.append(UInt8(truncatingIfNeeded: word >> 24))
    }
  }

  /// Whether every word was read.
  package var isAtEnd: Bool { next == bytes.count }

  /// Reads the next word.
  package mutating func read() -> UInt32 {
    defer { next += 4 }
    return UInt32(bytes[next]) | UInt32(bytes[next + 1]) << 8 | UInt32(bytes[next + 2]) << 16
      | UInt32(bytes[next + 3]) << 24
  }

  /// Reads the values of the next words.
  package mutating func readFloats(_ count: Int) -> [Float] {
    (0..<count).map { _ in Float(bitPattern: read()) }
  }

  fileprivate init(_ numbers: [Double]) {
    self.init()
    append(
      numbers.flatMap { [UInt32(truncatingIfNeeded: $0.bitPattern), UInt32($0.bitPattern >> 32)] })
  }

  fileprivate var numbers: [Double] {
    var words = self
    var numbers: [Double] = []
    while !words.isAtEnd {
      let low = UInt64(words.read())
      numbers.append(Double(bitPattern: low | UInt64(words.read()) << 32))
    }
    return numbers
  }
}

/// Error that another rank has met.
package struct RankError: Error, CustomStringConvertible {
  /// Rank that has met it.
  package let rank: Int
  /// Number of ranks.
  package let size: Int
  /// Description of the error.
  package let message: String

  package init(rank: Int, size: Int, message: String) {
    (self.rank, self.size, self.message) = (rank, size, message)
  }

  package var description: String { "rank \(rank) of \(size): \(message)" }
}
