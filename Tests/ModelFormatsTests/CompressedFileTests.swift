import Foundation
import ModelFormats
import TestSupport
import Testing

/// Compressed files: read whole, refused where they are broken, and never in memory at once.
@Suite struct CompressedFileTests {
  private static let text = "text,label\none,a\ntwo,b\nthree,a\nfour,b\n"
  /// By `zstd -19 --check`, and by `gzip -9n`.
  private static let compressed = [
    "zst": "KLUv/SQmMQEAdGV4dCxsYWJlbApvbmUsYQp0d28sYgp0aHJlZSxhCmZvdXIsYgqaDFBR",
    "gz": "H4sIAAAAAAACAytJrSjRyUlMSs3hys9L1UnkKinP10niKskoSgXx0vJLi4BcAMXx5mkmAAAA",
  ]

  private func bytes(_ form: String) throws -> [UInt8] {
    Array(try #require(Self.compressed[form].flatMap { Data(base64Encoded: $0) }))
  }

  private func contents(_ path: String, upTo limit: Int = 1 << 18) throws -> [UInt8] {
    let stream = try ByteStream(path: path)
    var bytes: [UInt8] = []
    while true {
      let piece = try stream.next(upTo: limit)
      if piece.isEmpty { return bytes }
      bytes += piece
    }
  }

  @Test(
    "whole files come out as they went in, in pieces of any size, two frames as one",
    arguments: ["gz", "zst"])
  func whole(form: String) throws {
    let folder = try TemporaryFolder()
    let bytes = try bytes(form)
    let path = try folder.write(bytes, "a.csv.\(form)")
    for limit in [1, 7, 1 << 18] {
      #expect(try contents(path, upTo: limit) == Array(Self.text.utf8))
    }
    let two = try folder.write(bytes + bytes, "b.csv.\(form)")
    #expect(try contents(two, upTo: 5) == Array((Self.text + Self.text).utf8))
    #expect(FileCompression.isCompressed(path))
    #expect(FileCompression.innerName("b.TSV.\(form.uppercased())") == "b.TSV")
  }

  @Test(
    "a file that is cut off or damaged is refused with its path and a place in it", arguments: ["gz", "zst"])
  func broken(form: String) throws {
    let folder = try TemporaryFolder()
    let bytes = try bytes(form)
    for count in [bytes.count - 1, bytes.count - 5, 20] {
      let path = try folder.write(Array(bytes.prefix(count)), "cut.\(form)")
      let error = #expect(throws: FormatError.self) { try contents(path) }
      let message = try #require(error).description
      #expect(
        message.contains(path) && message.contains("no whole") && message.contains("at byte"), "\(message)")
    }
    var damaged = bytes
    damaged[bytes.count - 2] ^= 0xFF
    let path = try folder.write(damaged, "damaged.\(form)")
    #expect(throws: FormatError.self) { try contents(path) }
  }

  @Test("what is not compressed comes as it is, also where its first bytes are those of a short file")
  func plain() throws {
    let folder = try TemporaryFolder()
    for bytes: [UInt8] in [[], [0x1F], [0x28, 0xB5], Array("plain\n".utf8)] {
      #expect(try contents(try folder.write(bytes, "plain.gz")) == bytes)
    }
  }
}
