import ArgumentParser
import Distillation
import ModelFormats
import Training

/// Options of TinyBERT's two stages: layers first, predictions second.
package struct FeatureStageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Train in TinyBERT's two stages: so many epochs on --match alone, then --num-train-epochs on logits and labels.",
      valueName: "n"))
  package var featureEpochs: Double?

  @Option(help: "Peak learning rate of the first stage (default: 5e-5).")
  package var featureLearningRate: Double?

  @Option(help: "Shape of its learning rate (default: --lr-scheduler-type).")
  package var featureLrSchedulerType: SchedulerType?

  @Option(help: "Share of its updates that warm up (default: --warmup-ratio).")
  package var featureWarmupRatio: Double?

  package init() {}

  /// Checks that settings of a first stage come with one.
  package func check() throws {
    let others = featureLearningRate != nil || featureLrSchedulerType != nil || featureWarmupRatio != nil
    if featureEpochs == nil && others {
      throw UsageError("options of a first stage are given, but no --feature-epochs; say how many")
    }
  }

  /// The first stage, nil when there is one stage only.
  package func stage(cachesTeacherLogits: Bool) -> FeatureStage? {
    guard let featureEpochs else { return nil }
    var stage = FeatureStage(
      numTrainEpochs: featureEpochs, lrSchedulerType: featureLrSchedulerType, warmupRatio: featureWarmupRatio,
      cachesTeacherLogits: cachesTeacherLogits)
    stage.learningRate = featureLearningRate ?? stage.learningRate
    return stage
  }

  /// The first stage as a run's recipe holds it.
  package func recipe(_ stage: FeatureStage?) throws -> JSONObject {
    guard let stage else { return JSONObject() }
    var object = try given()
    object["cache_teacher_logits"] = .bool(stage.cachesTeacherLogits)
    object["feature_learning_rate"] = .double(stage.learningRate)
    return object
  }
}

/// Options of BERT-of-Theseus, which replaces the teacher's layers, under the names of its authors' script.
package struct TheseusOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Replace the teacher's blocks of layers with the student's by chance, on the labels alone (BERT-of-Theseus); the "
        + "authors' student is first:<n>."))
  package var theseus = false

  @Option(help: "The probability of replacing a block at the first step (default: 0.3).")
  package var replacingRate: Double?

  @Option(
    help: ArgumentHelp(
      "What that probability grows by in each step (default: so much that it is 1 at half the run, and then the student "
        + "trains alone)."))
  package var schedulerLinearK: Double?

  @Option(help: "Keep the probability constant for so many steps, then train the student alone.")
  package var stepsForReplacing: Int?

  package init() {}

  /// The curriculum; nil without `--theseus`.
  package func config() throws -> TheseusConfig? {
    guard theseus else {
      let given: [(String, Bool)] = [
        ("--replacing-rate", replacingRate != nil), ("--scheduler-linear-k", schedulerLinearK != nil),
        ("--steps-for-replacing", stepsForReplacing != nil),
      ]
      if let (name, _) = given.first(where: \.1) {
        throw CommandError("\(name) belongs to --theseus; give both or none")
      }
      return nil
    }
    var config = TheseusConfig(schedulerLinearK: schedulerLinearK, stepsForReplacing: stepsForReplacing)
    if let replacingRate { config.replacingRate = replacingRate }
    return config
  }
}
