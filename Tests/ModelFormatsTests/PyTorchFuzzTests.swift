import Foundation
import ModelFormats
import TestSupport
import Testing

/// Thousands of damaged files, the same ones in every run: each is either refused with an error or wholly readable.
@Suite struct PyTorchFuzzTests {
  private struct Random {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
  }

  private func original(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: Fixtures.url("formats/" + name)))
  }

  private func open(_ bytes: [UInt8], in folder: TemporaryFolder) throws -> Bool {
    let path = try folder.write(bytes, "pytorch_model.bin")
    do throws(FormatError) {
      let file = try StoredTensors(path: path)
      var total = 0
      for tensor in file.tensors {
        #expect(tensor.byteRange.upperBound <= bytes.count)
        #expect(tensor.count * tensor.dtype.byteCount <= bytes.count)
        if tensor.dtype.isReadableAsFloat { total += try file.floats(tensor.name).count }
        if tensor.dtype == .int64 { total += try file.integers(tensor.name).count }
        if let mapped = try file.floatsInPlace(tensor), mapped[tensor.count - 1].isNaN { total += 1 }
      }
      return total >= 0
    } catch {
      #expect(error.description.contains(path))
      return false
    }
  }

  @Test(arguments: ["tensors.bin", "protocol4.bin", "module.bin", "zip64.bin", "training.bin", "program.bin"])
  func damagedBytes(_ name: String) throws {
    let original = try original(name)
    let folder = try TemporaryFolder()
    var random = Random(state: 7)
    var accepted = 0
    for _ in 0..<1500 {
      var bytes = original
      for _ in 0...random.next(3) {
        let place = random.next(bytes.count)
        switch random.next(3) {
        case 0: bytes[place] = UInt8(random.next(256))
        case 1: bytes[place] ^= 1 << UInt8(random.next(8))
        default: bytes[place] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF][random.next(6)]
        }
      }
      if try open(bytes, in: folder) { accepted += 1 }
    }
    // Damage to a value, a name or the padding goes unnoticed; other damage must not.
    #expect(name == "program.bin" || name == "training.bin" ? accepted == 0 : accepted > 0 && accepted < 1400)
  }

  @Test func exchangedInstructions() throws {
    let original = try original("tensors.bin")
    // The pickle is the first entry: it begins with its protocol and ends before the next header.
    let begin = try #require(original.firstRange(of: [0x80, 0x02, 0x7D])?.lowerBound)
    let end = try #require(original[begin...].firstRange(of: [0x50, 0x4B])?.lowerBound)
    let opcodes = [UInt8](
      [
        0x28, 0x30, 0x31, 0x4E, 0x88, 0x4A, 0x4B, 0x4D, 0x8A, 0x47, 0x8C, 0x58, 0x8D, 0x29, 0x74, 0x85, 0x86,
        0x87,
      ]
        + [
          0x5D, 0x61, 0x65, 0x7D, 0x73, 0x75, 0x68, 0x6A, 0x71, 0x72, 0x94, 0x63, 0x93, 0x52, 0x62, 0x51,
          0x2E, 0x95,
        ])
    let folder = try TemporaryFolder()
    var random = Random(state: 11)
    for _ in 0..<3000 {
      var bytes = original
      for _ in 0...random.next(2) {
        bytes[begin + random.next(end - begin)] = opcodes[random.next(opcodes.count)]
      }
      _ = try open(bytes, in: folder)
    }
    // Random programs over these instructions alone, short enough that some of them get far.
    for _ in 0..<3000 {
      let program = (0..<random.next(40)).map { _ in opcodes[random.next(opcodes.count)] }
      _ = try open(StoredZip.pickle([0x80, 2] + program + [0x2E]), in: folder)
    }
  }

  @Test func everyTruncation() throws {
    let folder = try TemporaryFolder()
    let original = try original("protocol4.bin")
    for count in 0..<original.count { #expect(try !open(Array(original.prefix(count)), in: folder)) }
    #expect(try open(original, in: folder))
    #expect(try !open(original + [0], in: folder))
  }
}
