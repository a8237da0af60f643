import Foundation

/// A folder that disappears with the test that made it.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "potstill-formats-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file and returns its path.
  func write(_ bytes: [UInt8], _ name: String = "model.safetensors") throws -> String {
    let file = url.appending(path: name)
    try Data(bytes).write(to: file)
    return file.path
  }

  /// Writes a safetensors file from its header text and data; `length` overrides the header length.
  func safetensors(
    _ header: String, data: [UInt8] = [], length: UInt64? = nil, name: String = "model.safetensors"
  ) throws -> String {
    let text = Array(header.utf8)
    let prefix = withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian, Array.init)
    return try write(prefix + text + data, name)
  }
}
