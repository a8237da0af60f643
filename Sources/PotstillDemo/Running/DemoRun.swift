import Datasets
import Distillation
import Encoders
import Evaluation
import Foundation
import Tasks
import Tokenization
import Training

/// Run of the demo: data, vocabulary, teacher, student without and with the teacher.
package final class DemoRun {
  /// A trained model with its score on the held-out rows.
  package struct Trained {
    /// Name in the table.
    package let name: String
    /// The model.
    package let model: TaskModel
    /// The task's metrics on rows whose combinations no training row shows.
    package let metrics: [Score]
    /// Rows a second of the evaluation.
    package let samplesPerSecond: Double

    /// The task's first metric.
    package var score: Double { metrics.first?.value ?? 0 }
  }

  /// The numbers of the run.
  package let settings: DemoSettings
  /// The task and its rows.
  package let data: SampleData
  /// The tokenizer over the vocabulary learnt from the rows.
  package let tokenizer: BertTokenizer
  private let observers: [any TrainingObserver]

  /// Draws the rows and learns the vocabulary from the student's, without their labels.
  package init(
    settings: DemoSettings = DemoSettings(), seed: UInt64 = 42,
    languages: [SampleLanguage] = SampleLanguage.allCases, observers: [any TrainingObserver] = []
  ) {
    self.settings = settings
    self.observers = observers
    data = SampleData(settings.task, seed: seed, counts: settings.counts, languages: languages)
    tokenizer = BertTokenizer(
      vocabulary: Self.vocabulary(
        of: Self.texts(of: data.train) + Self.texts(of: data.unlabelled), size: settings.vocabularySize),
      options: Self.tokenizerOptions)
  }

  private static let tokenizerOptions = BertTokenizerOptions()

  /// The WordPiece vocabulary of some texts.
  package static func vocabulary(of texts: [String], size: Int) -> Vocabulary {
    var trainer = WordPieceTrainer(vocabularySize: size, options: tokenizerOptions)
    for text in texts { trainer.feed(text) }
    return trainer.train()
  }

  private static func texts(of rows: TaskExamples) -> [String] {
    switch rows {
    case .texts(let rows): rows.map(\.text)
    case .sentences(let rows): rows.map { $0.words.joined(separator: " ") }
    case .questions(let rows): rows.map { $0.text + " " + $0.context }
    }
  }

  /// The teacher, from scratch on its many labels.
  package func teacher(seed: UInt64) throws -> Trained {
    try supervised("teacher", settings.teacher, on: data.teacher, seed: seed)
  }

  /// The student on its few labels alone.
  package func studentAlone(seed: UInt64) throws -> Trained {
    try supervised("student without teacher", settings.student, on: data.train, seed: seed)
  }

  /// The same student, from the same start, with the teacher's answers to labelled and unlabelled rows.
  package func studentDistilled(from teacher: Trained, seed: UInt64) throws -> Trained {
    let model = try fresh(settings.student, seed: seed)
    let distillation = DistillationConfig(
      temperature: settings.temperature, kdLossWeight: 1, hardLabelWeight: settings.hardLabelWeight,
      cacheTeacherLogits: true)
    let distiller = try GeneralDistiller(distillation, teacher: teacher.model, student: model, seed: seed)
    let validation = try encode(data.validation)
    try distiller.train(
      try encode(data.train.appending(data.unlabelled)).examples,
      score: { try evaluateTask(model, validation).result },
      config: training(settings.student, epochs: settings.distillationEpochs, seed: seed),
      observers: observers)
    return try trained("student with teacher", model)
  }

  /// The token ids and targets of rows.
  package func encode(_ rows: TaskExamples) throws -> EncodedTask {
    try EncodedTask(rows, task: data.task, with: tokenizer, maxLength: data.task.maxSequenceLength)
  }

  private func fresh(_ model: DemoSettings.Model, seed: UInt64) throws -> TaskModel {
    try TaskModel(
      config: settings.config(model, task: data.task, vocabularySize: tokenizer.idLimit), seed: seed)
  }

  private func training(_ model: DemoSettings.Model, epochs: Double, seed: UInt64) -> TrainingConfig {
    settings.training(model, epochs: epochs, metric: data.task.metrics[0], seed: seed)
  }

  private func supervised(
    _ name: String, _ shape: DemoSettings.Model, on rows: TaskExamples, seed: UInt64
  ) throws -> Trained {
    let model = try fresh(shape, seed: seed)
    let trainer = TaskTrainer(
      model: model, train: try encode(rows).examples, validation: try encode(data.validation),
      config: training(shape, epochs: shape.epochs, seed: seed), observers: observers)
    _ = try trainer.train()
    return try trained(name, model)
  }

  private func trained(_ name: String, _ model: TaskModel) throws -> Trained {
    let rows = try encode(data.test)
    _ = try evaluateTask(model, try encode(data.test.prefix(200)))
    // The best of three: the demo shares its machine, and a short run is easily disturbed.
    let runs = try (0..<3).map { _ in try evaluateTask(model, rows).result }
    let metrics = runs[0].metrics.filter { data.task.metrics.contains($0.name) }
    return Trained(
      name: name, model: model, metrics: metrics,
      samplesPerSecond: runs.map { Double($0.examples) / $0.runtime }.max() ?? 0)
  }
}
