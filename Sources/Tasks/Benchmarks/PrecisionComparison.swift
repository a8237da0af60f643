import Encoders
import Kernels
import ModelFormats
import Tensors
import Tokenization

/// Comparison of a model in 8-bit integers with the float model it was made of: speed, memory and answers.
public struct PrecisionComparison {
  /// Median seconds of the float model's steps.
  public let floatSeconds: Double
  /// Bytes of the float model's parameters.
  public let floatBytes: Int
  /// Bytes of the other's.
  public let byteCount: Int
  /// Share of sequences for which both have the same largest logit, from 0 to 1.
  public let sameAnswers: Double
  /// Root of the mean squared difference of logits, in standard deviations of the float model's.
  public let difference: Double

  /// Makes the model of integers and runs both on all batches, the float one first; the clock times the other.
  ///
  /// In turn they would be slower than either is alone, since each would find the other's weights in the caches.
  ///
  /// - Throws: `ModelError` for a model that has no such form.
  public init(of model: TaskModel, on batches: [TokenBatch], clock: BenchmarkClock) throws {
    let small = try model.quantized()
    let floatClock = BenchmarkClock(warmup: clock.warmup)
    var answers = Answers()
    func runFloat(_ batch: TokenBatch) -> [Float] {
      floatClock.begin()
      let logits = model(batch, in: .inference).logits.values
      floatClock.stepDone()
      return logits
    }
    let expected = batches.map(runFloat)
    for (batch, floats) in zip(batches, expected) {
      clock.begin()
      let logits = small(batch, in: .inference).logits.values
      clock.stepDone()
      answers.add(logits, expected: floats, sequences: batch.count)
    }
    self.init(answers, model, small, floatSeconds: floatClock.seconds)
  }

  /// The comparison of two teachers' answers, where it is the steps of their students that were timed.
  ///
  /// - Parameters:
  ///   - model: The float model.
  ///   - small: The model of integers.
  ///   - batches: What both answer.
  ///   - floatSeconds: Seconds of each step with the float model.
  public init(
    of model: TaskModel, _ small: TaskModel, on batches: [TokenBatch], floatSeconds: [Double]
  ) {
    var answers = Answers()
    for batch in batches {
      answers.add(
        small(batch, in: .inference).logits.values, expected: model(batch, in: .inference).logits.values,
        sequences: batch.count)
    }
    self.init(answers, model, small, floatSeconds: floatSeconds)
  }

  private init(_ answers: Answers, _ model: TaskModel, _ small: TaskModel, floatSeconds: [Double]) {
    sameAnswers = Double(answers.same) / Double(max(1, answers.sequences))
    difference = Self.difference(answers.found, answers.expected)
    self.floatSeconds = BenchmarkReport.median(of: floatSeconds)
    (floatBytes, byteCount) = (model.byteCount, small.byteCount)
  }

  /// Logits of both models, collected batch by batch.
  private struct Answers {
    var (expected, found): ([Float], [Float]) = ([], [])
    var (same, sequences) = (0, 0)

    mutating func add(_ logits: [Float], expected floats: [Float], sequences count: Int) {
      let width = max(1, floats.count / max(1, count))
      for row in stride(from: 0, to: floats.count, by: width) {
        func best(_ values: [Float]) -> Int? { (row..<row + width).max { values[$0] < values[$1] } }
        same += best(floats) == best(logits) ? 1 : 0
        sequences += 1
      }
      expected += floats
      found += logits
    }
  }

  /// The root of the mean squared difference, in standard deviations of what was expected.
  private static func difference(_ found: [Float], _ expected: [Float]) -> Double {
    let count = Double(max(1, expected.count))
    let mean = expected.reduce(0) { $0 + Double($1) } / count
    let spread = expected.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
    let error = zip(found, expected).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) } / count
    return spread > 0 ? (error / spread).squareRoot() : error.squareRoot()
  }

  /// The comparison for machines, given the median of the measured model's seconds.
  func json(median: Double) -> JSONObject {
    var object = JSONObject()
    object["kernel"] = .string(Int8Kernel.current.name)
    object["fp32_ms_median"] = .double(BenchmarkReport.rounded(floatSeconds * 1e3))
    object["speedup"] = .double(BenchmarkReport.rounded(floatSeconds / median))
    object["fp32_weight_bytes"] = .integer(floatBytes)
    object["weight_bytes"] = .integer(byteCount)
    object["same_answers"] = .double(BenchmarkReport.rounded(sameAnswers))
    object["difference_in_deviations"] = .double(BenchmarkReport.rounded(difference))
    return object
  }

  /// The comparison for people.
  func facts(median: Double) -> [(name: String, value: String)] {
    func shown(_ value: Double) -> String { String(BenchmarkReport.rounded(value)) }
    return [
      (
        "int8",
        "\(Int8Kernel.current.name), \(shown(floatSeconds / median)) times fp32, which takes \(shown(floatSeconds * 1e3)) ms"
      ),
      ("weights", "\(megabytes(byteCount)) MB, in fp32 \(megabytes(floatBytes)) MB"),
      (
        "answers",
        "\(shown(100 * sameAnswers)) % the same, logits \(shown(difference)) standard deviations off"
      ),
    ]
  }
}
