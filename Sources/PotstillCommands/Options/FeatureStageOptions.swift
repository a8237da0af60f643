import ArgumentParser
import Distillation
import ModelFormats
import Training

/// TinyBERT's two stages: layers first, predictions second.
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

  /// Throws when there are settings of a first stage but none is asked for.
  func check() throws {
    let others = featureLearningRate != nil || featureLrSchedulerType != nil || featureWarmupRatio != nil
    if featureEpochs == nil && others {
      throw UsageError("options of a first stage are given, but no --feature-epochs; say how many")
    }
  }

  /// The first stage, nil when there is one stage only.
  func stage(cachesTeacherLogits: Bool) -> FeatureStage? {
    guard let featureEpochs else { return nil }
    var stage = FeatureStage(
      numTrainEpochs: featureEpochs, lrSchedulerType: featureLrSchedulerType, warmupRatio: featureWarmupRatio,
      cachesTeacherLogits: cachesTeacherLogits)
    stage.learningRate = featureLearningRate ?? stage.learningRate
    return stage
  }

  /// The first stage as a run's recipe holds it.
  func recipe(_ stage: FeatureStage?) throws -> JSONObject {
    guard let stage else { return JSONObject() }
    var object = try given()
    object["cache_teacher_logits"] = .bool(stage.cachesTeacherLogits)
    object["feature_learning_rate"] = .double(stage.learningRate)
    return object
  }
}
