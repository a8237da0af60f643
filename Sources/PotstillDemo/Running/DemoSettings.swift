import Datasets
import Encoders
import Tasks
import Training

/// Settings of the demo: every number, in one place.
package struct DemoSettings: Sendable {
  /// Shape of one model, with the length of its training.
  package struct Model: Sendable {
    /// Features of a token.
    package var hiddenSize: Int
    /// Layers.
    package var layers: Int
    /// Attention heads.
    package var heads: Int
    /// Features between the two feed-forward products.
    package var intermediateSize: Int
    /// Peak learning rate.
    package var learningRate: Double
    /// Passes over the data.
    package var epochs: Double
  }

  /// The task.
  package var task: SampleData.Kind
  /// Numbers of rows in each split.
  package var counts = SampleTask.defaultCounts
  /// The standard deviation of fresh weights: BERT's 0.02 suits widths of several hundred.
  package var initializerRange: Float = 0.05
  /// Dropout of all kinds; with this much data and so few passes it only slows learning.
  package var dropout: Float = 0
  /// The size of the vocabulary to train.
  package var vocabularySize = 1500
  /// Sequences in a batch.
  package var batchSize = 32
  /// The teacher, trained on many labels.
  package var teacher = Model(
    hiddenSize: 128, layers: 3, heads: 4, intermediateSize: 512, learningRate: 5e-4, epochs: 6)
  /// The student, trained on few labels; epochs are those of the few labelled rows.
  package var student = Model(
    hiddenSize: 64, layers: 2, heads: 2, intermediateSize: 256, learningRate: 1e-3, epochs: 15)
  /// Passes over labelled and unlabelled rows with a teacher.
  package var distillationEpochs = 6.0
  /// The divisor of the logits.
  package var temperature = 2.0
  /// The factor of the labels beside the teacher.
  package var hardLabelWeight = 0.5

  /// The demo as `potstill demo --task` runs it.
  package init(_ task: SampleData.Kind = .sentiment) {
    self.task = task
    switch task {
    case .sentiment: break
    case .ner:
      counts = SampleEntityTask.defaultCounts
      (teacher.layers, teacher.epochs) = (2, 4)
      (student.layers, student.epochs, distillationEpochs) = (1, 40, 4)
    case .qa:
      counts = SampleQuestionTask.defaultCounts
      (teacher.epochs, student.epochs, distillationEpochs) = (6, 40, 6)
    }
  }

  /// The configuration of a model for a task over a vocabulary.
  func config(_ model: Model, task: TaskDefinition, vocabularySize: Int) -> EncoderConfig {
    var config = EncoderConfig(
      vocabularySize: vocabularySize, hiddenSize: model.hiddenSize, layerCount: model.layers,
      attentionHeads: model.heads, intermediateSize: model.intermediateSize)
    config.head = task.kind.head
    if let labels = task.modelLabels { config.labels = labels }
    config.maxPositions = task.maxSequenceLength
    config.initializerRange = initializerRange
    config.hiddenDropout = dropout
    config.attentionDropout = dropout
    return config
  }

  /// The settings of a training run; the best evaluation decides which weights are kept.
  func training(_ model: Model, epochs: Double, metric: String, seed: UInt64) -> TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = model.learningRate
    config.numTrainEpochs = epochs
    config.perDeviceTrainBatchSize = batchSize
    config.groupByLength = true
    config.warmupRatio = 0.1
    config.weightDecay = 0.01
    config.seed = seed
    config.evalStrategy = .epoch
    config.saveStrategy = .never
    config.loadBestModelAtEnd = true
    config.metricForBestModel = metric
    return config
  }
}
