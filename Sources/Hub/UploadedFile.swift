import Foundation
import ModelFormats

/// File that is uploaded, and what the hub knows of it.
struct UploadedFile {
  /// The path in the repository.
  let path: String
  /// The size in bytes.
  let size: Int
  /// Whether the hub keeps it beside the history, by its SHA-256.
  var isLarge = false
  /// Whether the repository's `.gitignore` leaves it out.
  var isIgnored = false
  /// The digest of the file that the repository has under this path.
  var remoteDigest: String?
  /// SHA-256 of a large file, git's SHA-1 of a small one; empty until it is computed.
  private(set) var digest = ""

  private let file: FileReader

  /// A regular file.
  ///
  /// - Throws: `FormatError.cannotRead`.
  init(path: String, url: URL) throws(FormatError) {
    self.path = path
    file = try FileReader(path: url.path)
    size = file.count
  }

  /// Whether the repository has the same bytes under the path.
  var isThere: Bool { remoteDigest == digest }

  /// Computes the digest.
  ///
  /// - Parameter progress: Hears how many bytes are done.
  /// - Throws: `FormatError.cannotRead`.
  mutating func hash(progress: (Int) -> Void) throws(FormatError) {
    var digest = Digest(isLarge ? .sha256 : .sha1)
    if !isLarge { digest.add(Array("blob \(size)\0".utf8)) }
    for start in stride(from: 0, to: size, by: Self.pieceSize) {
      let piece: [UInt8] = try file.numbers(min(Self.pieceSize, size - start), at: start)
      digest.add(piece)
      progress(start + piece.count)
    }
    self.digest = digest.text
  }

  private static let pieceSize = 1 << 20

  /// The first 512 bytes, by which the hub tells text from data.
  ///
  /// - Throws: `FormatError.cannotRead`.
  func sample() throws(FormatError) -> String { try base64(upTo: 512) }

  /// The bytes of a small file.
  ///
  /// - Throws: `FormatError.cannotRead`.
  func base64(upTo limit: Int = .max) throws(FormatError) -> String {
    let bytes: [UInt8] = try file.numbers(min(size, limit), at: 0)
    return Data(bytes).base64EncodedString()
  }

  /// Calls `body` with the open file.
  func withDescriptor<Result>(_ body: (Int32) throws -> Result) rethrows -> Result {
    try file.withDescriptor(body)
  }
}
