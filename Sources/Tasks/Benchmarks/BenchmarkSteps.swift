import Datasets
import Foundation
import ModelFormats
import Training

/// The batches of a measurement, one a step.
public struct BenchmarkSteps {
  /// The sequences of all batches, one batch after the other.
  public let examples: [EncodedExample]
  /// The batches.
  public let batches: [Batch]

  /// Numbers of tokens from a file, one a line.
  ///
  /// - Throws: `TaskError` with file and line.
  public static func lengths(contentsOf path: String) throws -> [Int] {
    let data: Data
    do { data = try FileContents.read(path) } catch { throw TaskError("--lengths: \(error)") }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw TaskError("--lengths \(path): found bytes that are not UTF-8, expected a number of tokens a line")
    }
    var lengths: [Int] = []
    for (index, line) in text.split(separator: "\n").enumerated() {
      guard let length = Int(line.trimmingCharacters(in: .whitespaces)), length > 0 else {
        throw TaskError("\(path):\(index + 1): found \"\(line)\", expected a number of tokens from 1")
      }
      lengths.append(length)
    }
    guard !lengths.isEmpty else { throw TaskError("\(path): no lengths, expected one a line") }
    return lengths
  }

  /// Sequences of these lengths, by batch: ids spread over the vocabulary, labels by turns.
  public init(lengths: [[Int]], vocabularySize: Int) {
    var examples: [EncodedExample] = []
    for batch in lengths {
      var state: UInt64 = 1
      examples += batch.enumerated().map { index, length in
        let ids = (0..<length).map { _ -> Int32 in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return Int32(Int(state >> 33) % vocabularySize)
        }
        return EncodedExample(
          ids: ids, segments: [Int32](repeating: 0, count: length), label: Int32(index % 2))
      }
    }
    self.examples = examples
    var start = 0
    batches = lengths.map { batch in
      defer { start += batch.count }
      return Batch(examples, at: Array(start..<start + batch.count))
    }
  }

  /// Trains an objective on one batch after the other in the loop that `train` and `distill` use.
  ///
  /// - Throws: `TrainingError`.
  public func run(_ objective: any TrainingObjective, clock: BenchmarkClock) throws {
    let data = TrainingData(
      exampleCount: examples.count, batches: { _ in batches.indices.map { [$0] } }, batch: { batches[$0[0]] })
    var config = TrainingConfig()
    config.maxSteps = batches.count
    config.saveStrategy = .never
    config.evalStrategy = .never
    config.loadBestModelAtEnd = false
    _ = try TrainingLoop(config: config, objective: objective, data: data, observers: [clock]).run()
  }
}
