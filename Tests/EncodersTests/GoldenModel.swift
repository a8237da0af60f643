import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Tokenization

/// A tiny model directory and what `transformers` computes with it (see make_encoder_fixtures.py, make_head_fixtures.py).
struct GoldenModel {
  let directory: URL
  let golden: SafetensorsFile
  let batch: TokenBatch

  init(_ name: String, in folder: String = "encoders") throws {
    directory = Fixtures.url(folder + "/" + name)
    golden = try SafetensorsFile(path: directory.appending(path: "golden.safetensors").path)
    batch = try TokenBatch(packed: golden)
  }

  /// The largest |found − expected|, infinite when the counts differ.
  func difference(_ found: [Float], _ name: String) throws -> Float {
    Self.difference(found, try golden.floats(name))
  }

  /// The largest |found − expected| over the largest |expected|, infinite when the counts differ.
  func relativeDifference(_ found: [Float], _ name: String) throws -> Float {
    let expected = try golden.floats(name)
    return Self.difference(found, expected) / max(expected.map(abs).max() ?? 0, .leastNormalMagnitude)
  }

  static func difference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { $1.0.isNaN || $1.1.isNaN ? .infinity : max($0, abs($1.0 - $1.1)) }
  }
}

extension TokenBatch {
  /// The batch in a file's `ids`, `segments` and `starts`.
  init(packed file: SafetensorsFile) throws {
    let (ids, segments) = (
      try file.integers("ids").map(Int32.init), try file.integers("segments").map(Int32.init)
    )
    let starts = try file.integers("starts")
    self.init(
      sequences: zip(starts, starts.dropFirst()).map { (Array(ids[$0..<$1]), Array(segments[$0..<$1])) })
  }
}
