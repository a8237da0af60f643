import Cluster
import Datasets
import Foundation
public import ModelFormats

extension TrainingConfig {
  /// The warm-up of a run of `totalSteps` updates: `warmup_steps`, or else the ratio rounded up.
  public func resolvedWarmupSteps(totalSteps: Int) -> Int {
    warmupSteps > 0 ? warmupSteps : Int((Double(totalSteps) * warmupRatio).rounded(.up))
  }

  /// The schedule of a run of `totalSteps` updates.
  public func schedule(totalSteps: Int) -> LearningRateSchedule {
    var settings = lrSchedulerKwargs.numbers
    settings["lr_end"] = (settings["lr_end"] ?? 1e-7) / learningRate
    return LearningRateSchedule(
      lrSchedulerType, totalSteps: totalSteps, warmupSteps: resolvedWarmupSteps(totalSteps: totalSteps),
      settings: settings)
  }

  /// The metric that chooses the best model, with its `eval_` prefix.
  public var bestMetricName: String {
    let name = metricForBestModel ?? "loss"
    return name.hasPrefix("eval_") ? name : "eval_" + name
  }

  /// Whether more of the chosen metric is better.
  public var moreIsBetter: Bool {
    greaterIsBetter ?? !["loss", "perplexity", "mse", "mae"].contains { bestMetricName.hasSuffix($0) }
  }
}

extension TrainingConfig {
  /// Everything wrong with the settings, in the order of the table; empty when they can be used.
  public func faults() -> [Fault] { Self.settings.faults(of: self) }

  /// The settings under their keys; those that are nil are null.
  public var json: JSONValue { .object(Self.settings.json(of: self)) }

  /// The settings of an object; missing keys keep their defaults, and unknown keys are passed over.
  ///
  /// - Throws: `TrainingError.configuration` with everything that cannot be read.
  public init(json: JSONValue) throws(TrainingError) {
    self.init()
    guard let object = json.objectValue else {
      throw .configuration([
        Fault("training settings", "found \(json.inWords), expected keys such as learning_rate")
      ])
    }
    let faults = Self.settings.lay(object, over: &self)
    if !faults.isEmpty { throw .configuration(faults) }
  }
}

extension TrainingConfig: Codable {
  /// Reads the settings of a recipe; what it leaves out keeps its default.
  ///
  /// Unknown keys are passed over.
  ///
  /// - Throws: `TrainingError.configuration` with everything that cannot be read.
  public init(from decoder: any Decoder) throws { try self.init(json: JSONValue(from: decoder)) }

  /// Writes every setting; those that are nil are written as null, so that reading gives the same value back.
  public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

/// The checks of single settings, in the words that follow a setting's name.
extension TrainingConfig {
  /// The most updates of a run.
  package static let maximumSteps = 100_000_000
  /// The most passes over the data.
  package static let maximumEpochs = 1e6
  /// The most sequences or tokens of a batch.
  package static let maximumBatch = Int(Int32.max)
  /// The most micro-batches of an update.
  package static let maximumAccumulation = 65_536

  static func finite(_ value: Double) -> [String] {
    value.isFinite && value >= 0 ? [] : ["is \(value); expected a finite number of at least 0.0"]
  }

  /// A number that computations multiply by.
  static func factor(_ value: Double) -> [String] {
    let faults = finite(value)
    return faults.isEmpty ? SinglePrecision.fault(of: value).map { ["is \(value), \($0)"] } ?? [] : faults
  }

  static func decay(_ value: Double) -> [String] {
    value >= 0 && Float(value) < 1 ? [] : ["is \(value); expected 0 up to but not including 1"]
  }

  static func positive(_ value: Int?, atMost maximum: Int = .max) -> [String] {
    guard let value, !(1...maximum).contains(value) else { return [] }
    return ["is \(value); expected at least 1" + (value > maximum ? " and at most \(maximum)" : "")]
  }
}

extension TrainingConfig {
  /// Size of a micro-batch of all ranks together, of which each takes a share.
  package var wholeBatch: BatchSize {
    let whole = ofWholeBatches
    return whole.tokensPerBatch.map { .tokens($0) } ?? .sequences(whole.perDeviceTrainBatchSize)
  }

  /// The number of ranks that share the optimizer's states; 1 where each rank has all of them.
  package var optimizerShares: Int { zeroStage > 0 ? Ranks.count : 1 }

  /// The settings as one process has them for the same batches: by them runs of different numbers of ranks are the same.
  package var ofWholeBatches: TrainingConfig {
    func whole(_ size: Int) -> Int {
      let (product, isTooLarge) = size.multipliedReportingOverflow(by: Ranks.count)
      return isTooLarge ? Int.max : product
    }
    var config = self
    config.perDeviceTrainBatchSize = whole(perDeviceTrainBatchSize)
    config.tokensPerBatch = tokensPerBatch.map(whole)
    return config
  }
}
