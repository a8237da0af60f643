import Foundation
import TestSupport

extension TemporaryFolder {
  /// Writes a checkpoint's file and returns its path.
  func write(_ bytes: [UInt8]) throws -> String { try write(bytes, "model.safetensors") }

  /// Writes a safetensors file from its header text and data; `length` overrides the header length.
  func safetensors(
    _ header: String, data: [UInt8] = [], length: UInt64? = nil, name: String = "model.safetensors"
  ) throws -> String {
    let text = Array(header.utf8)
    let prefix = withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian, Array.init)
    return try write(prefix + text + data, name)
  }
}
