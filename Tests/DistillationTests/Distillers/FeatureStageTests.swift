import Datasets
import Distillation
import Encoders
import ModelFormats
import Tensors
import Testing
import Tokenization
import Training

/// TinyBERT's two stages.
@Suite struct FeatureStageTests {
  private let stage = FeatureStage(numTrainEpochs: 4, learningRate: 1e-3, warmupRatio: 0.25)
  private let config = DistillationConfig(
    temperature: 2, hardLabelWeight: 0.5, matches: [.map(.uniform), .map(.uniform, loss: .attentionMSE)])

  private func examples() -> [EncodedExample] {
    (0..<24).map { (index: Int) -> EncodedExample in
      let ids: [Int32] = [2, Int32(5 + index), Int32(6 + index), 3]
      return EncodedExample(ids: ids, segments: [0, 0, 0, 0], label: Int32(index % 3))
    }
  }

  private func training() -> TrainingConfig {
    var config = TrainingConfig()
    config.perDeviceTrainBatchSize = 8
    config.saveStrategy = .never
    config.numTrainEpochs = 2
    return config
  }

  @Test func theFirstStageLeavesTheHeadAloneAndTheSecondMatchesNothing() throws {
    let (teacher, student) = (try tinyModel(layers: 4, seed: 1), try tinyModel(layers: 2, seed: 2))
    func values(_ name: String) -> [[Float]] {
      student.parameters.filter { $0.name.hasPrefix(name) }.map(\.values)
    }
    let (head, pooler) = (values("classifier"), values("bert.pooler"))
    let layers = values("bert.encoder")
    #expect(head.count == 2 && pooler.count == 2)

    let first = try GeneralDistiller(stage.features(of: config), teacher: teacher, student: student)
    let context = recording()
    let loss = try first.loss(tinyBatch(), progress: 0, in: context)
    #expect(!loss.parts.contains { $0.name == "unweighted_kd_loss" })
    context.tape?.backward(from: loss.total)
    for parameter in student.parameters {
      let isInHead = parameter.name.hasPrefix("classifier") || parameter.name.hasPrefix("bert.pooler")
      #expect((parameter.gradient == nil) == isInHead, "\(parameter.name)")
      parameter.zeroGradient()
    }
    try first.train(examples(), config: stage.training(training()))
    #expect(values("classifier") == head && values("bert.pooler") == pooler)
    #expect(values("bert.encoder") != layers)

    let second = try GeneralDistiller(stage.predictions(of: config), teacher: teacher, student: student)
    #expect(second.matches.isEmpty && second.projections.isEmpty && second.cache != nil)
    let parts = try second.loss(tinyBatch(), progress: 0, in: .inference).parts.map(\.name)
    #expect(parts == ["unweighted_kd_loss", "kd_kl_divergence", "unweighted_hard_label_loss"])
    try second.train(examples(), config: training())
    #expect(values("classifier") != head)
  }

  @Test func eachStageHasSettingsOfItsOwn() {
    var base = training()
    (base.learningRate, base.warmupSteps, base.lrSchedulerType) = (3e-5, 7, .polynomial)
    (base.evalStrategy, base.loadBestModelAtEnd, base.lrSchedulerKwargs) = (.epoch, true, ["power": 2])
    let first = stage.training(base)
    #expect(first.numTrainEpochs == 4 && first.learningRate == 1e-3 && first.warmupRatio == 0.25)
    #expect(first.warmupSteps == 0 && first.maxSteps == -1 && first.evalStrategy == .never)
    #expect(first.lrSchedulerType == .polynomial && first.lrSchedulerKwargs == ["power": 2])
    var constant = stage
    constant.lrSchedulerType = .constant
    #expect(constant.training(base).faults().isEmpty)
    var uncached = stage
    uncached.cachesTeacherLogits = false
    #expect(!uncached.predictions(of: config).cacheTeacherLogits)
    #expect(
      stage.predictions(of: DistillationConfig(kdLossWeight: 0, hardLabelWeight: 1)).cacheTeacherLogits
        == false)
  }

  @Test func whatCannotBeSplitIsRefused() {
    func fields(_ stage: FeatureStage, _ config: DistillationConfig) -> [String] {
      stage.faults(with: config, training: training()).map(\.field)
    }
    #expect(fields(stage, config).isEmpty)
    #expect(
      fields(
        FeatureStage(numTrainEpochs: 0, learningRate: -1, warmupRatio: 2), DistillationConfig(kdLossWeight: 0)
      )
        == [
          "feature_epochs", "feature_epochs", "feature_learning_rate", "feature_epochs",
          "feature_warmup_ratio",
        ])
    // A stage that is not scored has no evaluations that could lower its rate.
    var base = training()
    (base.evalStrategy, base.lrSchedulerType) = (.epoch, .reduceLROnPlateau)
    var own = FeatureStage()
    #expect(own.faults(with: config, training: base).map(\.field) == ["feature_lr_scheduler_type"])
    own.lrSchedulerType = .linear
    #expect(own.faults(with: config, training: base).isEmpty)
  }
}
