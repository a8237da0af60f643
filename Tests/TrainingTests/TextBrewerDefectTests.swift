import Datasets
import Tensors
import TestSupport
import Testing
import Training

/// Defects of TextBrewer that the training loop repairs; the others are in the tests of `Distillation`.
@Suite struct TextBrewerDefectTests {
  private func run(_ examples: Int, _ change: (inout TrainingConfig) -> Void) throws
    -> (summary: TrainingSummary, before: [[Float]], after: [[Float]])
  {
    var config = TrainingConfig()
    config.learningRate = 0.05
    config.perDeviceTrainBatchSize = 4
    change(&config)
    let model = ToyModel()
    let before = model.values
    let data = TrainingData(toyExamples(examples), config: config)
    let summary = try TrainingLoop(config: config, objective: model, data: data).run()
    return (summary, before, model.values)
  }

  /// B2: a run counted in steps crashes unless the interval of its checkpoints is set.
  @Test func b2StepsNeedNoCheckpointInterval() throws {
    let (summary, before, after) = try run(20) { $0.maxSteps = 3 }
    #expect(summary.globalStep == 3)
    #expect(before != after)
  }

  /// B9: gradients of an epoch's last, incomplete accumulation are dropped, so that nothing is learnt when there are fewer
  /// batches than an accumulation takes.
  @Test func b9TheTailOfAnEpochIsLearnt() throws {
    let (summary, before, after) = try run(20) {
      $0.numTrainEpochs = 2
      $0.gradientAccumulationSteps = 100
    }
    #expect(summary.globalStep == 2 && summary.examplesSeen == 40)
    #expect(before != after)
    let tail = try run(20) {
      $0.numTrainEpochs = 1
      $0.gradientAccumulationSteps = 2
    }
    // Five batches: two pairs and a single one.
    #expect(tail.summary.globalStep == 3 && tail.summary.examplesSeen == 20)
  }
}
