public import ArgumentParser
import Datasets
import Distillation
public import ModelFormats
import Tasks
import Training

extension SchedulerType: ExpressibleByArgument {}
extension TrainingStrategy: ExpressibleByArgument {}
extension SaveStrategy: ExpressibleByArgument {}
extension NonFinitePolicy: ExpressibleByArgument {}
extension OptimizerName: ExpressibleByArgument {}
extension SaveDType: ExpressibleByArgument {
  /// The type of a name, or of a short form such as `fp16`.
  public init?(argument: String) { self.init(named: argument) }
}

/// Options of training, under the names of Hugging Face's TrainingArguments.
package struct TrainingOptions: ParsableArguments {
  @Option(help: .training(\.learningRate, default: "the task's, else 5e-5"))
  package var learningRate: Double?

  @Option(help: .training(\.layerwiseLRDecay, default: "none"))
  package var layerwiseLrDecay: Double?

  @Option(help: .training(\.numTrainEpochs, default: "the task's, else 3"))
  package var numTrainEpochs: Double?

  @Option(help: .training(\.maxSteps))
  package var maxSteps: Int?

  @Option(help: .training(\.perDeviceTrainBatchSize, default: "the task's, else 8"))
  package var perDeviceTrainBatchSize: Int?

  @Option(help: .training(\.perDeviceEvalBatchSize, default: "the task's, else 8"))
  package var perDeviceEvalBatchSize: Int?

  @Option(help: .training(\.tokensPerBatch))
  package var tokensPerBatch: Int?

  @Flag(
    inversion: .prefixedNo,
    help: .training(\.groupByLength, default: "no; packed batches hold no padding to save"))
  package var groupByLength: Bool?

  @Option(help: .training(\.gradientAccumulationSteps, default: "1"))
  package var gradientAccumulationSteps: Int?

  @Option(help: .training(\.labelSmoothingFactor, default: "0"))
  package var labelSmoothingFactor: Double?

  @Option(help: .training(\.classWeights, default: "all weigh 1"))
  package var classWeights: String?

  @Flag(inversion: .prefixedNo, help: .training(\.freezesEmbeddings, default: "no"))
  package var freezeEmbeddings: Bool?

  @Option(help: .training(\.frozenLayers, default: "none"))
  package var freezeLayers: String?

  @Flag(inversion: .prefixedNo, help: .training(\.gradientCheckpointing, default: "no"))
  package var gradientCheckpointing: Bool?

  @Option(help: .training(\.zeroStage, default: "0"))
  package var zeroStage: Int?

  @Flag(inversion: .prefixedNo, help: .training(\.quantizationAware, default: "no"))
  package var quantizationAware: Bool?

  @Option(help: .training(\.optim, default: "adamw_torch"))
  package var optim: OptimizerName?

  @Option(help: .training(\.optimArgs))
  package var optimArgs: String?

  @Option(help: .training(\.weightDecay, default: "the task's, else 0"))
  package var weightDecay: Double?

  @Option(name: .customLong("adam-beta1"), help: .training(\.adamBeta1, default: "0.9"))
  package var adamBeta1: Double?

  @Option(name: .customLong("adam-beta2"), help: .training(\.adamBeta2, default: "0.999"))
  package var adamBeta2: Double?

  @Option(help: .training(\.adamEpsilon, default: "1e-8"))
  package var adamEpsilon: Double?

  @Option(help: .training(\.maxGradNorm, default: "1"))
  package var maxGradNorm: Double?

  @Option(help: .training(\.onNonFinite, default: "stop"))
  package var onNonfinite: NonFinitePolicy?

  @Flag(inversion: .prefixedNo, help: .training(\.detectsAnomaly, default: "no"))
  package var detectAnomaly: Bool?

  @Option(help: .training(\.lrSchedulerType, default: "the task's, else linear"))
  package var lrSchedulerType: SchedulerType?

  @Option(help: .training(\.lrSchedulerKwargs, default: "the shape's"))
  package var lrSchedulerKwargs: String?

  @Option(help: .training(\.warmupRatio, default: "the task's, else 0"))
  package var warmupRatio: Double?

  @Option(help: .training(\.warmupSteps, default: "0"))
  package var warmupSteps: Int?

  @Option(help: .training(\.seed, default: "42"))
  package var seed: UInt64?

  @Option(help: .training(\.dataSeed, default: "--seed"))
  package var dataSeed: UInt64?

  @Option(help: .training(\.loggingSteps, default: "50"))
  package var loggingSteps: Int?

  @Flag(inversion: .prefixedNo, help: .training(\.loggingFirstStep, default: "no"))
  package var loggingFirstStep: Bool?

  @Option(help: .training(\.reportTo, default: "none"))
  package var reportTo: [String] = []

  @Option(help: .training(\.loggingDir, default: "runs in --output"), completion: .directory)
  package var loggingDir: String?

  @Option(help: .training(\.evalStrategy, default: "epoch"))
  package var evalStrategy: TrainingStrategy?

  @Option(help: .training(\.evalSteps, default: "--logging-steps"))
  package var evalSteps: Int?

  @Option(help: .training(\.saveStrategy, default: "auto, by time: at most 1 % of it"))
  package var saveStrategy: SaveStrategy?

  @Option(help: .training(\.saveSteps, default: "500"))
  package var saveSteps: Int?

  @Option(help: .training(\.saveTotalLimit, default: "2"))
  package var saveTotalLimit: Int?

  @Option(help: .training(\.saveDType, default: "float32"))
  package var saveDtype: SaveDType?

  @Flag(inversion: .prefixedNo, help: .training(\.loadBestModelAtEnd, default: "yes"))
  package var loadBestModelAtEnd: Bool?

  @Option(help: .training(\.metricForBestModel, default: "the first of them"))
  package var metricForBestModel: String?

  @Flag(inversion: .prefixedNo, help: .training(\.greaterIsBetter, default: "yes, of a loss no"))
  package var greaterIsBetter: Bool?

  @Option(help: .training(\.earlyStoppingPatience, default: "never"))
  package var earlyStoppingPatience: Int?

  @Option(help: .training(\.earlyStoppingThreshold, default: "0"))
  package var earlyStoppingThreshold: Double?

  @Option(help: "Train on the first so many examples only, texts without labels included.")
  package var maxTrainSamples: Int?

  @Option(help: "Evaluate on the first so many examples only.")
  package var maxEvalSamples: Int?

  @Option(
    help: ArgumentHelp(
      "Go on from a checkpoint of the same run: its folder, or \"last\" for the newest in --output.",
      valueName: "folder"), completion: .directory)
  package var resumeFromCheckpoint: String?

  @Flag(
    help:
      "Go on even if data, models or settings are not those of the checkpoint; the result is then that of neither run."
  )
  package var resumeAnyway = false

  package init() {}

  package mutating func validate() throws {
    try CountOption.checkSamples(maxTrainSamples, "--max-train-samples")
    try CountOption.checkSamples(maxEvalSamples, "--max-eval-samples")
  }

  /// The checkpoint that the run goes on from; nil begins a new run.
  package var resumption: JobResumption? {
    resumeFromCheckpoint.map { JobResumption($0, acceptsDifferences: resumeAnyway) }
  }

  /// The settings of a run: Potstill's defaults, then the task's, then these.
  package func config(for task: TaskDefinition, canEvaluate: Bool) throws -> TrainingConfig {
    try TrainingConfig(for: task, overrides: try given(), canEvaluate: canEvaluate)
  }

  /// The settings of a run as its recipe holds them.
  package func recipe(_ config: TrainingConfig) throws -> JSONObject {
    var object = TrainingConfig.settings.json(of: config)
    // -1 stands for "as the epochs say".
    if config.maxSteps < 0 { object["max_steps"] = nil }
    object["max_train_samples"] = maxTrainSamples.map { .integer($0) }
    object["max_eval_samples"] = maxEvalSamples.map { .integer($0) }
    return object
  }
}

extension ArgumentHelp {
  /// The help of a setting of training.
  ///
  /// - Parameters:
  ///   - path: The setting.
  ///   - usual: The default in words.
  package static func training(
    _ path: PartialKeyPath<TrainingConfig>, default usual: String? = nil
  ) -> ArgumentHelp {
    ArgumentHelp(TrainingConfig.settings.help(path, default: usual))
  }
}
