import ModelFormats
import TestSupport
import Testing

/// Digests against the examples of FIPS 180 and RFC 6234.
@Suite struct DigestTests {
  @Test(arguments: [
    (
      "", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    ),
    (
      "abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    ),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      String(repeating: "0123456701234567012345670123456701234567012345670123456701234567", count: 10),
      "dea356a2cddd90c7a7ecedc5ebb563934f460452",
      "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5"
    ),
  ])
  func examples(_ text: String, _ sha1: String, _ sha256: String) {
    #expect(Digest.text(of: Array(text.utf8), by: .sha1) == sha1)
    #expect(Digest.text(of: Array(text.utf8), by: .sha256) == sha256)
  }

  /// However the bytes come, and at each length around the end of a block, the digest is that of all of them.
  @Test func piecesMakeNoDifference() throws {
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    for length in [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 300] {
      let whole = Digest.text(of: Array(bytes[..<length]), by: .sha256)
      for step in [1, 7, 63, 64, 65, 299] {
        var digest = Digest(.sha256)
        for start in stride(from: 0, to: length, by: step) {
          digest.add(Array(bytes[start..<min(length, start + step)]))
        }
        #expect(digest.text == whole, "\(length) bytes by \(step)")
      }
    }
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, "bytes")
    #expect(try Digest.text(ofFile: path, by: .sha256) == Digest.text(of: bytes, by: .sha256))
  }
}
