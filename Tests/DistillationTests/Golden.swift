import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing

/// A golden file of tensors.
struct Golden {
  private let file: SafetensorsFile

  init(_ path: String) throws { file = try SafetensorsFile(path: Fixtures.url("distillation/\(path)").path) }

  var names: [String] { file.tensors.map(\.name) }

  func has(_ name: String) -> Bool { file[name] != nil }

  func tensor(_ name: String) throws -> Tensor {
    Tensor(try file.floats(name), shape: Shape(try #require(file[name]).shape))
  }

  func integers(_ name: String) throws -> [Int32] { try file.integers(name).map(Int32.init) }
}

/// Compares with values that PyTorch computed in float64: float32 is good to a few units of the largest value's last
/// places, more where sums are long.
func expectClose(
  _ found: Tensor, _ expected: Tensor, relative: Float = 2e-5, _ name: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, "\(name)", sourceLocation: sourceLocation)
  let limit = relative * max(0.05, expected.values.map(abs).max() ?? 0)
  for (index, (a, b)) in zip(found.values, expected.values).enumerated() where !(abs(a - b) <= limit) {
    Issue.record("\(name)[\(index)] is \(a), expected \(b)", sourceLocation: sourceLocation)
  }
}
