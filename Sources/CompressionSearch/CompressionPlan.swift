import Compression
import Datasets
import Distillation
import Encoders
import Foundation
public import ModelFormats
import Tasks
import Tokenization
import Training

/// Plan of a compression: every step with its amount, and about what it will need; what `--dry-run` prints.
public struct CompressionPlan: Sendable {
  /// Step of a plan that makes one float model.
  public struct Step: Sendable, Equatable {
    /// Name of the point and its folder.
    public let name: String
    /// The step with its amount.
    public let step: CompressionStep
    /// Sizes after each of its cuts; one without sizes for a step that is no structured pruning.
    let cuts: [PrunedSizes?]
    /// About the bytes of the model after it.
    public let bytes: Int
    /// About the seconds that cutting, distillation and measurement take.
    public let seconds: Double
    /// Remark on an amount that misses what the target asks for.
    public let remark: String?
  }

  /// The steps.
  public let steps: [Step]
  /// Bytes of the model.
  public let modelBytes: Int
  /// About the seconds that the integers of all points take; 0 without.
  public let quantizationSeconds: Double
  /// Whether models in integers are made.
  public let quantizes: Bool
  /// Hours that everything may take.
  let hours: Double?

  /// About the seconds of everything.
  public var seconds: Double { steps.reduce(quantizationSeconds) { $0 + $1.seconds } }

  /// About the most bytes on disk: every model, in integers too, and checkpoints while one is trained.
  public var diskBytes: Int {
    let models = steps.reduce(0) { $0 + $1.bytes }
    let integers = quantizes ? (models + modelBytes) / 4 : 0
    let training = steps.map { 7 * $0.bytes }.max() ?? 0
    return models + integers + training
  }

  /// The plan for people.
  public var lines: [String] {
    func time(_ seconds: Double) -> String {
      if seconds < 90 { return "\(max(1, Int(seconds.rounded()))) s" }
      if seconds < 5400 { return "\(Int((seconds / 60).rounded())) min" }
      return "\((seconds / 360).rounded() / 10) h"
    }
    var lines = ["model    \(megabytes(modelBytes)) MB"]
    for step in steps {
      let share = Int((100 * Double(step.bytes) / Double(modelBytes)).rounded())
      let cuts = step.cuts.count > 1 ? " in \(step.cuts.count) cuts" : ""
      lines.append(
        "step     \(step.name): \(step.step)\(cuts), about \(megabytes(step.bytes)) MB (\(share) %), \(time(step.seconds))"
      )
      if let remark = step.remark { lines.append("         \(remark)") }
    }
    if quantizes { lines.append("int8     of each of them and of the model, \(time(quantizationSeconds))") }
    var total = "total    about \(time(seconds)), at most \(megabytes(diskBytes)) MB on disk"
    if let hours, seconds > hours * 3600 {
      total += "; --hours \(hours) shortens the distillations to about \(Int(100 * hours * 3600 / seconds)) %"
    }
    return lines + [total]
  }

  /// The plan for machines.
  public var json: JSONValue {
    [
      "model_bytes": .integer(modelBytes),
      "steps": .array(
        steps.map { step in
          [
            "name": .string(step.name), "step": .string(step.step.description),
            "cuts": .integer(step.cuts.count), "bytes": .integer(step.bytes),
            "seconds": .double(step.seconds.rounded()),
            "remark": step.remark.map { .string($0) } ?? .null,
          ]
        }),
      "int8_seconds": .double(quantizationSeconds.rounded()), "seconds": .double(seconds.rounded()),
      "disk_bytes": .integer(diskBytes),
    ]
  }
}

/// Planner of a compression: gives every step its amount, one after the other, on the sizes that those before it leave.
///
/// What is left to the target is shared evenly: with k steps to go, each makes the model smaller, or faster, by the k-th root of
/// the factor that is missing. No step leaves less than a quarter of a part by itself.
struct CompressionPlanner {
  let job: CompressionJob
  let model: TokenizedModel
  /// Rows that are timed and measured on.
  let rows: CompressionRows
  /// Texts of the training rows; empty where the vocabulary stays.
  let texts: [String]
  /// Seconds in which the model answers one row in a batch.
  let secondsPerRow: Double
  let trainingRows: Int
  let validationRows: Int

  /// The least share of a part that a target leaves, in twentieths.
  private static let leastShare = 5

  /// Cost by which a target counts: bytes, or milliseconds.
  private struct Cost {
    let isLatency: Bool
    let rows: CompressionRows
    /// Bytes of a value of the estimate, so that the model's own size is exact.
    let scale: Double

    func callAsFunction(_ config: EncoderConfig) throws(CompressionError) -> Double {
      isLatency
        ? try PruningTarget.measuredLatency(of: config, on: rows) : scale * config.parameterEstimate
    }
  }

  func plan() throws -> CompressionPlan {
    let whole = model.model.config
    let scale = Double(model.model.byteCount) / whole.parameterEstimate
    let cost = Cost(isLatency: job.target.map(\.isLatency) ?? false, rows: rows, scale: scale)
    let goal = try job.target.map { try $0.goal(from: cost(whole)) }
    var config = whole
    var open = job.steps.count { $0.kind.needsAmount && $0.amount == nil }
    var planned: [CompressionPlan.Step] = []
    for (index, step) in job.steps.filter({ $0.kind != .int8 }).enumerated() {
      var (step, remark) = (step, String?.none)
      if step.kind.needsAmount, step.amount == nil, let goal {
        let now = try cost(config)
        let wanted = now * pow(min(1, goal / now), 1 / Double(open))
        let found = try amount(of: step.kind, from: config, cost, wanted: wanted)
        step.amount = found.amount
        if found.cost > wanted * 1.02 {
          remark =
            "the target asks for more than this step gives; it leaves a quarter at least, write an amount for less"
        }
        open -= 1
      }
      let cuts = try sizes(behind: step, from: config)
      config = try self.config(behind: step, from: config)
      let ratio = layerValues(config) / layerValues(whole)
      planned.append(
        CompressionPlan.Step(
          name: "\(index + 1)-\(step.kind.rawValue)", step: step, cuts: cuts,
          bytes: Int(scale * config.parameterEstimate), seconds: seconds(ofStudent: ratio), remark: remark))
    }
    let quantizes = job.steps.contains { $0.kind == .int8 }
    // One evaluation, and the rows of the sensitivities where it is not enough, for the model and every point.
    let integers = Double(planned.count + 1) * secondsPerRow * Double(validationRows + rows.examples.count)
    return CompressionPlan(
      steps: planned, modelBytes: model.model.byteCount, quantizationSeconds: quantizes ? integers : 0,
      quantizes: quantizes, hours: job.hours)
  }

  /// The largest amount of a kind that costs no more than wanted, and what it costs.
  private func amount(
    of kind: CompressionStep.Kind, from config: EncoderConfig, _ cost: Cost, wanted: Double
  ) throws(CompressionError) -> (amount: PrunedAmount, cost: Double) {
    // Two thin matrices are no smaller than one of as many values.
    let found = try ShareSearch.largest(
      costing: wanted, least: Self.leastShare, most: kind == .lowRank ? 19 : 20
    ) { share throws(CompressionError) in
      try cost(try self.config(behind: CompressionStep(kind, leaving: .share(share)), from: config))
    }
    guard let part = kind.part else { return (.share(found.share), found.cost) }
    let smaller = try self.config(
      behind: CompressionStep(kind, leaving: .share(found.share)), from: config)
    return (.count(part.size(in: smaller)), found.cost)
  }

  /// The configuration behind a step that has its amount.
  private func config(
    behind step: CompressionStep, from config: EncoderConfig
  ) throws(CompressionError) -> EncoderConfig {
    switch step.kind {
    case .layers, .hidden, .heads, .ffn: return try pruning(step).plan(for: config)
    case .lowRank:
      return try LowRank(to: step.lowRankTarget).plan(for: config, of: model.model.factorisableModules)
    case .vocab:
      var config = config
      config.vocabularySize = try wordsLeft(by: step)
      return config
    case .int8: return config
    }
  }

  /// The sizes behind each cut of a step; none for a step that is no structured pruning.
  private func sizes(
    behind step: CompressionStep, from config: EncoderConfig
  ) throws(CompressionError) -> [PrunedSizes?] {
    step.kind.part == nil
      ? [nil] : try IterativePruning(pruning(step), iterations: job.iterations).sizes(for: config)
  }

  private func pruning(_ step: CompressionStep) -> StructuredPruning {
    guard let part = step.kind.part, let amount = step.amount else {
      preconditionFailure("\(step) prunes a part to an amount, which the target gives it where it has none.")
    }
    return StructuredPruning(to: .parts([part: amount]), form: job.prunedForm)
  }

  /// The words that a cut of the vocabulary leaves.
  private func wordsLeft(by step: CompressionStep) throws(CompressionError) -> Int {
    let whole = CompressedModel(model.model, tokenizer: model.tokenizer)
    let methods = try [step].methods(CompressionWays(texts: texts))
    do { return try whole.applying(methods) { _ in rows }.model.config.vocabularySize } catch {
      throw error as? CompressionError ?? .request("\(step): \(error)")
    }
  }

  /// Values in the layers, which decide the time; those of the word table do not.
  private func layerValues(_ config: EncoderConfig) -> Double {
    max(1, config.parameterEstimate - Double(config.vocabularySize * config.hiddenSize))
  }

  /// About the seconds of a step: a teacher's pass over every row, a training step of three, the evaluations.
  private func seconds(ofStudent ratio: Double) -> Double {
    let training = job.distillation.training
    var epochs = training.numTrainEpochs
    if training.maxSteps > 0 {
      let batch = training.perDeviceTrainBatchSize * training.gradientAccumulationSteps
      epochs = Double(training.maxSteps * batch) / Double(max(1, trainingRows))
    }
    epochs += job.distillation.featureStage?.numTrainEpochs ?? 0
    let evaluations = Double(validationRows) * (job.distils ? epochs.rounded(.up) + 1 : 1) * ratio
    let learnt = job.distils ? Double(trainingRows) * epochs * (1 + 3 * ratio) : 0
    let measured = Double(rows.examples.count * 3 * job.iterations)
    return secondsPerRow * (learnt + evaluations + measured)
  }
}

extension CompressionTarget {
  /// Whether it is a time.
  fileprivate var isLatency: Bool {
    switch self {
    case .milliseconds: true
    case .share, .megabytes: false
    }
  }

  /// The cost to reach, given that of the model.
  fileprivate func goal(from cost: Double) throws(CompressionError) -> Double {
    let goal =
      switch self {
      case .share(let share): share * cost
      case .megabytes(let megabytes): megabytes * 1e6
      case .milliseconds(let milliseconds): milliseconds
      }
    guard goal < cost else {
      let now =
        switch self {
        case .share, .megabytes: "\((cost / 1e5).rounded() / 10)MB"
        case .milliseconds: "\((cost * 100).rounded() / 100)ms"
        }
      throw .request("target: the model has \(now) already, less than \(self); ask for a smaller one")
    }
    return goal
  }
}
