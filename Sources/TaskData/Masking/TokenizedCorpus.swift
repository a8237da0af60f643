public import Foundation
import ModelFormats

/// Running text as token ids in a file that is mapped into memory: sequences can be read in any order, and only the pages
/// in use take room.
///
/// The file holds a magic number, the ids as Int32, the end of each sequence as Int64 (in tokens), and a footer of five
/// 64-bit numbers: sequences, lines read, lines left out, fingerprint and the magic number again; all little-endian.
/// It is written under another name and renamed, so a corpus that exists is complete.
public final class TokenizedCorpus: Sendable {
  /// The file.
  public let path: String
  /// The number of sequences.
  public let count: Int
  /// The number of tokens in all sequences.
  public let tokenCount: Int
  /// The lines of text it was made from, blank ones not counted.
  public let lineCount: Int
  /// The lines that could not be used and were left out.
  public let skippedLineCount: Int
  /// The `CorpusSource.fingerprint` of what it was made from.
  public let fingerprint: UInt64
  private let file: MappedFile

  static let magic: UInt64 = 0x504f_5453_544f_4b31  // "POTSTOK1"
  static let footerSize = 40

  /// Opens a corpus file; throws `TaskDataError.unreadableFile` when it is missing or something else.
  public init(contentsOf url: URL) throws(TaskDataError) {
    path = url.path(percentEncoded: false)
    do { file = try MappedFile(path: path) } catch {
      throw .unreadableFile(path: path, reason: "\(error)")
    }
    let bytes = UnsafeRawBufferPointer(file.bytes)
    func number(_ offset: Int) -> Int { Int(truncatingIfNeeded: Self.load(bytes, offset) as Int64) }
    let footer = bytes.count - Self.footerSize
    guard footer >= 8, Self.load(bytes, 0) as UInt64 == Self.magic,
      Self.load(bytes, footer + 32) as UInt64 == Self.magic
    else { throw .unreadableFile(path: path, reason: "it is not a file of tokens") }
    let count = number(footer)
    let ends = footer - 8 * min(max(count, 0), footer / 8)
    guard count >= 0, count <= footer / 8, ends >= 8, (ends - 8) % 4 == 0,
      (count == 0 ? 0 : number(footer - 8)) == (ends - 8) / 4
    else {
      throw .unreadableFile(path: path, reason: "its size does not fit the \(count) sequences it names")
    }
    self.count = count
    tokenCount = (ends - 8) / 4
    lineCount = number(footer + 8)
    skippedLineCount = number(footer + 16)
    fingerprint = Self.load(bytes, footer + 24)
  }

  /// One sequence, all of one segment, without a target.
  public subscript(index: Int) -> EncodedExample {
    let range = range(index)
    let bytes = UnsafeRawBufferPointer(file.bytes)
    let ids = range.map { Self.load(bytes, 8 + 4 * $0) as Int32 }
    return EncodedExample(ids: ids, segments: Array(repeating: 0, count: ids.count))
  }

  /// A fingerprint of the tokens of all sequences.
  package var contentFingerprint: String {
    var fingerprint = Fingerprint()
    fingerprint.add(
      UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(file.bytes)[8..<8 + 4 * tokenCount + 8 * count])
    )
    return fingerprint.text
  }

  /// The number of tokens of each sequence [count].
  public var lengths: [Int] { (0..<count).map { range($0).count } }

  /// The tokens of a sequence.
  private func range(_ index: Int) -> Range<Int> {
    precondition(index >= 0 && index < count, "There is no sequence \(index) among \(count).")
    let ends = 8 + 4 * tokenCount
    let bytes = UnsafeRawBufferPointer(file.bytes)
    func end(_ index: Int) -> Int { Int(Self.load(bytes, ends + 8 * index) as Int64) }
    return (index == 0 ? 0 : end(index - 1))..<end(index)
  }

  private static func load<Number: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _ offset: Int
  ) -> Number {
    Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
  }
}
