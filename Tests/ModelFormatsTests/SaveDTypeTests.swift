import Foundation
import Kernels
import ModelFormats
import TestSupport
import Testing

/// Floats that are rounded to 16 bits while they are written.
@Suite struct SaveDTypeTests {
  private func storage(_ values: [Float]) -> Storage {
    let storage = Storage(uninitialized: values.count)
    storage.withUnsafeMutablePointer { $0.update(from: values, count: values.count) }
    return storage
  }

  private func write(_ values: [Float], as type: SaveDType, _ folder: TemporaryFolder) throws
    -> SafetensorsFile
  {
    let url = folder.url.appending(path: "\(type.rawValue).safetensors")
    var writer = SafetensorsWriter()
    writer.add("values", shape: [values.count], values: storage(values), as: type)
    writer.add("beside", shape: [1], values: [1.0000001])
    try writer.write(to: url)
    return try SafetensorsFile(path: url.path)
  }

  /// Ties to even, subnormals and zeros of both signs, to the bit.
  @Test(arguments: [SaveDType.float16, .bfloat16])
  func valuesAreThoseOfPyTorch(type: SaveDType) throws {
    let folder = try TemporaryFolder()
    let golden = try SafetensorsFile(path: Fixtures.url("dtypes/values.safetensors").path)
    let values = try golden.floats("values")
    let file = try write(values, as: type, folder)
    #expect(file["values"]?.dtype == type.dtype && file["beside"]?.dtype == .float32)
    let (found, expected) = (try file.floats("values"), try golden.floats(type.rawValue))
    #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
    #expect(found != values)
    let rounded = try type.rounded(storage(values), named: "values", file: "memory").values
    #expect(rounded.map(\.bitPattern) == expected.map(\.bitPattern))
    #expect(try file.floats("beside") == [1.0000001])
  }

  @Test func float32IsWrittenAsItIs() throws {
    let folder = try TemporaryFolder()
    let values: [Float] = [.leastNonzeroMagnitude, -0.0, 3.4e38, 0.1]
    let file = try write(values, as: .float32, folder)
    #expect(file["values"]?.dtype == .float32)
    #expect(try file.floats("values").map(\.bitPattern) == values.map(\.bitPattern))
  }

  /// 65520 is halfway between the largest half and what would follow it; 0x1.ffp127 likewise for bfloat16.
  @Test(
    arguments: [
      (SaveDType.float16, 65519.99, 65520, "bfloat16 or float32"),
      (.bfloat16, Float(0x1.feffp127), Float(0x1.ffp127), "as float32"),
    ])
  func whatIsBeyondTheRangeIsRefused(type: SaveDType, last: Float, first: Float, remedy: String) throws {
    let folder = try TemporaryFolder()
    #expect(try write([last], as: type, folder).floats("values").allSatisfy(\.isFinite))
    try FileManager.default.removeItem(at: folder.url.appending(path: "\(type.rawValue).safetensors"))
    for value in [first, -first, .nan, .infinity] {
      let error = try #require(throws: FormatError.self) { try write([0, value], as: type, folder) }
      #expect("\(error)".contains("tensor \"values\"") && "\(error)".contains(remedy), "\(error)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test func namesAndShortForms() {
    #expect(["fp32", "fp16", "bf16"].compactMap(SaveDType.init(named:)) == SaveDType.allCases)
    #expect(SaveDType.allCases.map(\.rawValue).compactMap(SaveDType.init(named:)) == SaveDType.allCases)
    #expect(SaveDType(named: "half") == nil)
  }
}
