import Foundation
import ModelFormats
import TestSupport
import Testing

/// Golden values are PyTorch's own (see make_pytorch_fixtures.py); reading converts nothing but half to single floats.
@Suite struct PyTorchFileTests {
  private let golden = try? SafetensorsFile(path: Fixtures.url("formats/values.safetensors").path)

  private func open(_ name: String) throws -> StoredTensors {
    try StoredTensors(path: Fixtures.url("formats/" + name).path)
  }

  private func expectValues(of file: StoredTensors, names: [String]) throws {
    let golden = try #require(golden)
    for name in names {
      let info = try #require(file[name], "\(name)")
      let expected = try #require(golden[name], "\(name)")
      #expect(info.shape == expected.shape, "\(name)")
      if expected.dtype == .int64 {
        #expect(try file.integers(name) == golden.integers(name), "\(name)")
      } else {
        #expect(
          try file.floats(name).map(\.bitPattern) == golden.floats(name).map(\.bitPattern), "\(name)")
      }
    }
  }

  @Test func everyKindOfTensor() throws {
    let file = try open("tensors.bin")
    let golden = try #require(golden)
    #expect(golden.tensors.count == 24)
    try expectValues(of: file, names: golden.tensors.map(\.name))
    #expect(file.tensors.count == 28)
    #expect(file.tensors.first?.name == "plain" && file.tensors.last?.name == "uint16")
    let others: [(String, DType)] = [
      ("short", .int16), ("tiny", .int8), ("float8", .float8e4m3), ("uint16", .uint16), ("half", .float16),
      ("bfloat", .bfloat16), ("double", .float64), ("int", .int32), ("byte", .uint8), ("bool", .bool),
    ]
    for (name, type) in others { #expect(file[name]?.dtype == type) }
    #expect(throws: FormatError.self) { try file.floats("long") }
    #expect(throws: FormatError.self) { try file.integers("plain") }
    #expect(throws: FormatError.self) { try file.floats("none") }
  }

  @Test(arguments: ["protocol4.bin", "protocol5.bin", "zip64.bin", "big_endian.bin"])
  func otherWritersAndProtocols(_ name: String) throws {
    let file = try open(name)
    #expect(file.tensors.map(\.name) == ["plain", "transposed", "half", "double", "long", "bool"])
    try expectValues(of: file, names: file.tensors.map(\.name))
  }

  @Test func stateDictsOfModules() throws {
    let file = try open("module.bin")
    #expect(
      file.tensors.map(\.name) == [
        "dense.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var",
        "norm.num_batches_tracked",
      ])
    #expect(try file.floats("dense.weight") == golden?.floats("plain"))
    #expect(try file.integers("norm.num_batches_tracked") == [0])
  }

  @Test func onlyWhatLiesAsNeededIsUsedInPlace() throws {
    let file = try open("tensors.bin")
    func isMapped(_ name: String) throws -> Bool {
      let info = try #require(file[name])
      return try file.floatsInPlace(info) != nil
    }
    #expect(try isMapped("owned") && isMapped("parameter") && isMapped("scalar"))
    // Half the names below are views of one table: an optimizer that wrote to one would change the others.
    for name in ["plain", "transposed", "rows", "columns", "every.other", "element", "half", "empty"] {
      #expect(try !isMapped(name), "\(name)")
    }
    let owned = try #require(file["owned"])
    let place = try file.floatsInPlace(owned)
    let values = try #require(place)
    #expect(try (0..<60).map { values[$0] } == file.floats("owned"))
    #expect(UInt(bitPattern: values) % 64 == 0)
    let bigEndian = try open("big_endian.bin")
    for tensor in bigEndian.tensors { #expect(try bigEndian.floatsInPlace(tensor) == nil) }
  }

  @Test(arguments: [
    ("compressed.bin", "\"protocol4/.data/serialization_id\" is compressed (Deflate)"),
    ("legacy.bin", "before PyTorch 1.6"),
    ("training.bin", "\"state_dict\" (a dictionary with 6 tensors)"),
    ("training.bin", "torch.save(torch.load(FILE, map_location=\"cpu\")[\"state_dict\"], FILE)"),
    ("list.bin", "it holds a list, expected a dictionary"),
    ("numpy.bin", "the global numpy"),
    ("expanded.bin", "tensor \"expanded\": shape [100] repeats elements"),
    ("complex.bin", "the global torch.ComplexFloatStorage is refused"),
    ("whole_module.bin", "the global torch.nn.modules.linear.Linear is refused"),
    ("script.bin", "torch.jit"),
    ("program.bin", "the global posix.system is refused"),
  ])
  func whatIsNoDictionaryOfTensorsIsNamed(_ name: String, _ reason: String) throws {
    do throws(FormatError) {
      _ = try StoredTensors(path: Fixtures.url("formats/" + name).path)
      Issue.record("accepted \(name)")
    } catch {
      #expect(error.description.contains("formats/" + name))
      #expect(error.description.contains(reason), "\(error)")
    }
  }
}
