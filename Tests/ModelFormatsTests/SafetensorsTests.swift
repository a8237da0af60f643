import Foundation
import ModelFormats
import TestSupport
import Testing

@Suite struct SafetensorsTests {
  @Test func readsWhatItWrote() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "model.safetensors")
    var writer = SafetensorsWriter()
    writer.add("b.weight", shape: [2, 3], values: [1, 2, 3, 4, 5, -0.0])
    writer.add("a", shape: [], values: [.infinity])
    writer.add("empty", shape: [0, 4], values: [])
    try writer.write(to: url)
    let file = try SafetensorsFile(path: url.path)
    #expect(file.tensors.map(\.name) == ["a", "b.weight", "empty"])
    #expect(file.metadata == ["format": "pt"])
    #expect(file["b.weight"]?.shape == [2, 3])
    #expect(try file.floats("b.weight") == [1, 2, 3, 4, 5, 0])
    #expect(try file.floats("a") == [.infinity])
    #expect(try file.floats("empty") == [])
    let bytes = try Data(contentsOf: url)
    let length = Int(bytes[0]) | Int(bytes[1]) << 8
    #expect(length % 8 == 0)
    #expect(bytes.count == 8 + length + 28)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["model.safetensors"])
    #expect(throws: FormatError.self) {
      try writer.write(to: folder.url.appending(path: "no/model.safetensors"))
    }
  }

  @Test func convertsEveryFloatType() throws {
    let folder = try TemporaryFolder()
    let header = """
      {"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[6,8]},\
      "d":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},"i":{"dtype":"I64","shape":[1],"data_offsets":[16,24]},\
      "t":{"dtype":"BOOL","shape":[2],"data_offsets":[24,26]}}
      """
    let data: [UInt8] =
      [0x00, 0x3C, 0x01, 0x00, 0x00, 0xFC] + [0x80, 0xBF] + withUnsafeBytes(of: 0.5, Array.init)
      + withUnsafeBytes(of: Int64(-7), Array.init) + [1, 0]
    let file = try SafetensorsFile(path: folder.safetensors(header, data: data))
    #expect(try file.floats("h") == [1, 0x1p-24, -.infinity])
    #expect(try file.floats("b") == [-1])
    #expect(try file.floats("d") == [0.5])
    #expect(try file.integers("i") == [-7])
    #expect(try file.integers("t") == [1, 0])
    #expect(throws: FormatError.self) { try file.floats("i") }
    #expect(throws: FormatError.self) { try file.integers("h") }
    #expect(throws: FormatError.self) { try file.floats("none") }
  }

  @Test func halfPrecisionIsExact() {
    for pattern in UInt16.min...UInt16.max {
      let found = FloatConversion.float(half: pattern)
      // By definition: sign · 2^(e−15) · (1 + m/1024), or sign · 2^−14 · m/1024 when e = 0.
      let sign: Float = pattern >> 15 == 0 ? 1 : -1
      let exponent = Int(pattern >> 10 & 31)
      let fraction = Float(pattern & 1023) / 1024
      switch exponent {
      case 31: #expect(fraction == 0 ? found == sign * .infinity : found.isNaN)
      case 0: #expect(found == sign * 0x1p-14 * fraction)
      default: #expect(found == sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction))
      }
    }
  }

  @Test func mappedValuesArePrivate() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "model.safetensors")
    var writer = SafetensorsWriter()
    writer.add("w", shape: [2], values: [1, 2])
    try writer.write(to: url)
    let file = try SafetensorsFile(path: url.path)
    let info = try #require(file["w"])
    let place = try file.floatsInPlace(info)
    let pointer = try #require(place)
    pointer[0] = 5
    #expect(try file.floats("w") == [5, 2])
    #expect(try SafetensorsFile(path: url.path).floats("w") == [1, 2])
  }

  @Test(arguments: [
    (#"{"w":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}"#, "unknown dtype \"F33\""),
    (#"{"w":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}"#, "dtype is missing"),
    (#"{"w":{"shape":[1],"data_offsets":[0,4]}}"#, "dtype is missing"),
    (#"{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, "shape holds -1"),
    (#"{"w":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, "shape holds 1.0"),
    (#"{"w":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}"#, "shape holds \"1\""),
    (
      #"{"w":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#,
      "shape holds 99999999999999999999"
    ),
    (#"{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#, "overflows"),
    (#"{"w":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}"#, "shape is missing"),
    (#"{"w":{"dtype":"F32","shape":[1]}}"#, "data_offsets is missing"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, "has 1 elements"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, "begin 4 lies behind end 0"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, "data_offsets holds -4"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0.5,4]}}"#, "data_offsets holds 0.5"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "beyond the 4 bytes"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}"#, "beyond the 4 bytes"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "needs 8 bytes, but data_offsets span 4"),
    (#"{"w":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#, "holes"),
    (
      #"{"v":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"w":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
      "inside that of \"v\""
    ),
    (
      #"{"v":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
      "inside that of"
    ),
    (#"{"w":[1]}"#, "its entry is an array"),
  ])
  func faultyEntriesNameTheTensor(_ header: String, _ reason: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.safetensors(header, data: [0, 0, 0, 0])
    do throws(FormatError) {
      _ = try SafetensorsFile(path: path)
      Issue.record("accepted \(header)")
    } catch {
      guard case .tensor(path, "w", let found) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(found.contains(reason), "\(found)")
    }
  }

  @Test(
    arguments: [
      ("{}", [1], nil, "1 bytes follow the last tensor"),
      ("{}", [], 1, "expected at least 2"),
      ("{}", [], 3, "only 2 bytes follow"),
      ("{}", [], .max, "more than the 100000000 allowed"),
      ("{}", [], 100_000_001, "more than the"),
      ("[]", [], nil, "expected '{'"),
      (" {}", [], nil, "expected '{'"),
      ("{}x", [], nil, "after the end"),
      ("{\"w\"}", [], nil, "expected ':'"),
      (#"{"__metadata__":{"format":1}}"#, [], nil, "__metadata__.format"),
      (#"{"__metadata__":"pt"}"#, [], nil, "__metadata__"),
      (#"{"__metadata__":{"n":1e999}}"#, [], nil, "too large"),
      (
        #"{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
        [], nil, "\"w\" occurs twice"
      ),
    ] as [(String, [UInt8], UInt64?, String)])
  func faultyFilesAreNamed(_ header: String, _ data: [UInt8], _ length: UInt64?, _ reason: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.safetensors(header, data: data, length: length)
    do throws(FormatError) {
      _ = try SafetensorsFile(path: path)
      Issue.record("accepted \(header)")
    } catch {
      #expect(error.description.contains(path))
      #expect(error.description.contains(reason), "\(error)")
    }
  }

  @Test func shortFilesAndInvalidTextAreRefused() throws {
    let folder = try TemporaryFolder()
    for count in 0..<10 {
      let path = try folder.write([UInt8]([2, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D].prefix(count)))
      #expect(throws: FormatError.self) { try SafetensorsFile(path: path) }
    }
    let invalid = try folder.write([6, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7D])
    #expect(throws: FormatError.self) { try SafetensorsFile(path: invalid) }
    #expect(throws: FormatError.self) { try SafetensorsFile(path: folder.url.path) }
    #expect(throws: FormatError.self) { try SafetensorsFile(path: folder.url.path + "/none") }
  }

  @Test func normalisedNamesStayApartOrAreRefused() throws {
    let folder = try TemporaryFolder()
    let entry = #"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#
    let path = try folder.safetensors("{\"\\u00e9\":\(entry),\"e\\u0301\":\(entry)}")
    #expect(throws: FormatError.self) { try SafetensorsFile(path: path) }
  }
}
