import Foundation
import ModelFormats
import TestSupport
import Testing

/// Thousands of damaged files, the same ones in every run: each is either refused with an error or wholly readable.
@Suite struct SafetensorsFuzzTests {
  private struct Random {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
  }

  private func original() throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "model.safetensors")
    var writer = SafetensorsWriter()
    writer.add("encoder.weight", shape: [3, 4], values: (0..<12).map(Float.init))
    writer.add("encoder.bias", shape: [3], values: [1, 2, 3])
    writer.add("scalar", shape: [], values: [7])
    try writer.write(to: url)
    return [UInt8](try Data(contentsOf: url))
  }

  private func open(_ bytes: [UInt8], in folder: TemporaryFolder) throws -> Bool {
    let path = try folder.write(bytes)
    do throws(FormatError) {
      let file = try SafetensorsFile(path: path)
      for tensor in file.tensors {
        #expect(tensor.byteRange.upperBound <= bytes.count)
        #expect(tensor.shape.reduce(1, *) == tensor.count)
        if tensor.dtype.isReadableAsFloat { #expect(try file.floats(tensor.name).count == tensor.count) }
      }
      return true
    } catch {
      #expect(error.description.contains(path))
      return false
    }
  }

  @Test func damagedBytes() throws {
    let original = try original()
    let headerEnd = 8 + Int(original[0]) + Int(original[1]) << 8
    let folder = try TemporaryFolder()
    var random = Random(state: 7)
    var accepted = 0
    for _ in 0..<4000 {
      var bytes = original
      for _ in 0...random.next(3) { bytes[random.next(headerEnd)] = UInt8(random.next(256)) }
      if try open(bytes, in: folder) { accepted += 1 }
    }
    // Damage inside a name goes unnoticed; most other damage must not.
    #expect(accepted > 0 && accepted < 2000)
  }

  @Test func exchangedTokens() throws {
    let original = try original()
    let headerEnd = 8 + Int(original[0]) + Int(original[1]) << 8
    let text = String(decoding: original[8..<headerEnd], as: UTF8.self)
    let tokens = [
      "0", "12", "60", "64", "4", "3", "[", "]", "{", "}", ",", ":", "\"F32\"", "\"F16\"", "\"U8\"", "null",
      "-1", "1e9",
      "18446744073709551616", "9223372036854775807", "4611686018427387904", "1e999", "\"shape\"", "\"dtype\"",
      "\"data_offsets\"", "\"scalar\"", "\"__metadata__\"", "\\u0000", "[[[[", "é",
    ]
    let folder = try TemporaryFolder()
    var random = Random(state: 11)
    for _ in 0..<3000 {
      var mutated = text
      for _ in 0...random.next(2) {
        let from = tokens[random.next(tokens.count)]
        let to = tokens[random.next(tokens.count)]
        let places = mutated.ranges(of: from)
        guard !places.isEmpty else { continue }
        mutated.replaceSubrange(places[random.next(places.count)], with: to)
      }
      let header = Array(mutated.utf8)
      let prefix = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)
      _ = try open(prefix + header + original[headerEnd...], in: folder)
    }
  }

  @Test func everyTruncation() throws {
    let original = try original()
    let folder = try TemporaryFolder()
    for count in 0..<original.count { #expect(try !open(Array(original.prefix(count)), in: folder)) }
    #expect(try open(original, in: folder))
    #expect(try !open(original + [0], in: folder))
  }
}
