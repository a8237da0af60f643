import Distillation
import Encoders
import Foundation
import TaskData
import Tokenization
import Training

/// The demo's work: data, vocabulary, teacher, student without and with the teacher.
package final class DemoRun {
  /// A trained model with its score on the held-out reviews.
  package struct Trained {
    /// What the table calls it.
    package let name: String
    /// The model.
    package let model: TaskModel
    /// The score on reviews whose combinations of words and constructions no training review shows.
    package let accuracy: Double
    /// Sentences a second while it was scored.
    package let samplesPerSecond: Double
  }

  /// The numbers of the run.
  package let settings: DemoSettings
  /// The reviews.
  package let data: SampleTask.Splits
  /// The tokenizer over the vocabulary learnt from them.
  package let tokenizer: BertTokenizer
  private let observers: [any TrainingObserver]

  /// Draws the reviews and learns the vocabulary from those that the student's owner has, labels aside.
  package init(
    settings: DemoSettings = DemoSettings(), seed: UInt64 = 42, observers: [any TrainingObserver] = []
  ) {
    self.settings = settings
    self.observers = observers
    data = SampleTask.generate(seed: seed, counts: settings.counts)
    let texts = (data.train + data.unlabelled).map(\.text)
    tokenizer = BertTokenizer(
      vocabulary: Self.vocabulary(of: texts, size: settings.vocabularySize), options: Self.tokenizerOptions)
  }

  private static let tokenizerOptions = BertTokenizerOptions()

  /// The WordPiece vocabulary of some texts.
  package static func vocabulary(of texts: [String], size: Int) -> Vocabulary {
    var trainer = WordPieceTrainer(vocabularySize: size, options: tokenizerOptions)
    for text in texts { trainer.feed(text) }
    return trainer.train()
  }

  /// The teacher, from scratch on its many labels.
  package func teacher(seed: UInt64) throws -> Trained {
    let model = try fresh(settings.teacher, seed: seed)
    let config = settings.training(settings.teacher, epochs: settings.teacher.epochs, seed: seed)
    try train(model, on: data.teacher, config)
    return try trained("teacher", model)
  }

  /// The student on its few labels alone.
  package func studentAlone(seed: UInt64) throws -> Trained {
    let model = try fresh(settings.student, seed: seed)
    let config = settings.training(settings.student, epochs: settings.student.epochs, seed: seed)
    try train(model, on: data.train, config)
    return try trained("student without teacher", model)
  }

  /// The same student, from the same start, with the teacher's answers to labelled and unlabelled reviews.
  package func studentDistilled(from teacher: Trained, seed: UInt64) throws -> Trained {
    let model = try fresh(settings.student, seed: seed)
    let distillation = DistillationConfig(
      temperature: settings.temperature, kdLossWeight: 1, hardLabelWeight: settings.hardLabelWeight,
      cacheTeacherLogits: true)
    let distiller = try GeneralDistiller(distillation, teacher: teacher.model, student: model, seed: seed)
    try distiller.train(
      encode(data.train + data.unlabelled), validation: encode(data.validation),
      config: settings.training(settings.student, epochs: settings.distillationEpochs, seed: seed),
      observers: observers)
    return try trained("student with teacher", model)
  }

  /// Examples as the models read them.
  package func encode(_ examples: [TextExample]) -> [EncodedExample] {
    examples.map { example in
      let encoding = tokenizer.encodeIDs(example.text)
      return EncodedExample(
        ids: Array(encoding.ids.prefix(settings.maxLength)),
        segments: Array(encoding.segments.prefix(settings.maxLength)),
        label: example.label.map { Int32($0) } ?? EncodedExample.noLabel)
    }
  }

  private func fresh(_ model: DemoSettings.Model, seed: UInt64) throws -> TaskModel {
    try TaskModel(
      config: settings.config(model, vocabularySize: tokenizer.idLimit), seed: seed)
  }

  private func train(
    _ model: TaskModel, on examples: [TextExample], _ config: TrainingConfig
  ) throws {
    let trainer = TaskTrainer(
      model: model, train: encode(examples),
      validation: EncodedTask(encode(data.validation), task: SampleTask.definition),
      config: config, observers: observers)
    _ = try trainer.train()
  }

  private func trained(_ name: String, _ model: TaskModel) throws -> Trained {
    let examples = encode(data.test)
    _ = try evaluateClassifier(model, Array(examples.prefix(200)))
    // The best of three: the demo shares its machine, and a short run is easily disturbed.
    let runs = try (0..<3).map { _ in try evaluateClassifier(model, examples).result }
    let result = runs[0]
    return Trained(
      name: name, model: model, accuracy: result.value("eval_accuracy") ?? 0,
      samplesPerSecond: runs.map { Double($0.examples) / $0.runtime }.max() ?? 0)
  }
}
