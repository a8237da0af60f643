import Compression
import CompressionSearch
import ModelFormats
import Testing

@Suite struct TargetTests {
  @Test(
    "targets are read as they are written",
    arguments: [
      ("4x", CompressionTarget.share(0.25)), ("25%", .share(0.25)), ("20MB", .megabytes(20)),
      ("3 ms", .milliseconds(3)), ("1.5×", .share(1 / 1.5)),
    ])
  func reads(text: String, target: CompressionTarget) throws {
    #expect(try CompressionTarget(text) == target)
  }

  @Test(
    "what is no target is refused with what was found",
    arguments: ["", "4", "1x", "0%", "100%", "-3ms", "x", "nanMB", "infms"])
  func refuses(text: String) {
    let error = #expect(throws: CompressionError.self) { try CompressionTarget(text) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("found \"\(text)\""))
  }

  private func point(
    _ name: String, bytes: Int, latency: Double, accuracy: Double
  ) throws -> CompressionPoint {
    let json: JSONValue = [
      "name": .string(name), "steps": ["ffn=50%"], "layers": 2, "parameters": 10, "bytes": .integer(bytes),
      "latency_ms": .double(latency), "samples_per_second": 5, "metric": "accuracy",
      "eval_accuracy": .double(accuracy), "eval_f1": 0.5, "folder": .string(name),
    ]
    return try #require(CompressionPoint(json))
  }

  @Test("a point is on the front unless another is as small, as fast and as good, and better in one")
  func front() throws {
    let points = CompressionPoint.markingFront([
      try point("whole", bytes: 100, latency: 10, accuracy: 0.9),
      try point("smaller", bytes: 50, latency: 10, accuracy: 0.9),
      try point("slower", bytes: 40, latency: 12, accuracy: 0.8),
      try point("worse", bytes: 50, latency: 10, accuracy: 0.85),
      try point("twin", bytes: 50, latency: 10, accuracy: 0.9),
      try point("fast", bytes: 100, latency: 1, accuracy: 0.7),
    ])
    #expect(points.filter(\.isOnFront).map(\.name) == ["smaller", "slower", "twin", "fast"])
    let again = try #require(CompressionPoint(.object(points[1].json)))
    #expect(again == points[1] && again.score == 0.9)
    #expect(CompressionPoint(["name": "x"]) == nil)
  }
}
