import Foundation
import Potstill
import PotstillExamples
import TestSupport
import Testing

/// The programs of `Examples/`, run on models and data that fit into a test.
@Suite struct ExamplesTests {
  private let texts: [(text: String, label: Int32?)] = [
    ("a good film", 1), ("a bad film", 0), ("not a bad film", nil), ("good, not bad", nil), ("a film", nil),
    ("bad, bad film", 0), ("a good, good film", 1), ("not good", nil),
  ]

  /// A teacher, its tokenizer and a student that has half of its layers.
  private struct World {
    let folder: TemporaryFolder
    let teacher: TaskModel
    let student: TaskModel
    let examples: [EncodedExample]
    let batch: TokenBatch

    var teacherFolder: URL { folder.url.appending(path: "teacher") }
  }

  private func world() throws -> World {
    let folder = try TemporaryFolder()
    let teacherFolder = folder.url.appending(path: "teacher")
    try makeTeacher(in: teacherFolder)
    let tokenizer = try BertTokenizer(directory: teacherFolder)
    let teacher = try TaskModel(directory: teacherFolder)
    let encoded = texts.map { tokenizer.encodeIDs($0.text) }
    return World(
      folder: folder, teacher: teacher,
      student: try TaskModel.student(.evenlySpaced(layerCount: 2), of: teacher),
      examples: zip(texts, encoded).map {
        EncodedExample(ids: $1.ids, segments: $1.segments, label: $0.label ?? EncodedExample.noLabel)
      }, batch: TokenBatch(sequences: encoded))
  }

  private func training(epochs: Double) -> TrainingConfig {
    var training = TrainingConfig()
    (training.learningRate, training.numTrainEpochs, training.perDeviceTrainBatchSize) = (1e-2, epochs, 4)
    training.saveStrategy = .never
    return training
  }

  @Test func aTaskIsDistilledFromAFolder() throws {
    let world = try world()
    let folder = world.folder.url
    let rows = texts.map { "\($0.text)\t\($0.label == 0 ? "negative" : "positive")" }
    let file = (["sentence\tlabel"] + rows).joined(separator: "\n") + "\n"
    for name in ["train.tsv", "dev.tsv"] {
      try Data(file.utf8).write(to: folder.appending(path: name))
    }
    let task = folder.appending(path: "task.yaml")
    let yaml = """
      name: films
      kind: classification
      format: tsv
      header: true
      train_file: train.tsv
      validation_file: dev.tsv
      text_column: sentence
      label_column: label
      labels: [negative, positive]
      metrics: [accuracy]
      max_seq_length: 16
      """
    try Data(yaml.utf8).write(to: task)
    let output = folder.appending(path: "student")
    let rowsOfTable = try distil(task: task, data: folder, teacher: world.teacherFolder, output: output)
    #expect(rowsOfTable.count == 2 && rowsOfTable.map(\.layers) == [4, 2])
    let student = try TaskModel(directory: output)
    #expect(student.config.layerCount == 2 && student.config.labels == ["negative", "positive"])
    #expect(
      distance(student, world.teacher, on: world.batch)
        < distance(world.student, world.teacher, on: world.batch))
  }

  @Test func adaptorsOfOnesOwn() throws {
    let world = try world()
    let before = distance(world.student, world.teacher, on: world.batch)
    #expect(try distil(world.student, of: world.teacher, examples: world.examples).globalStep == 6)
    #expect(distance(world.student, world.teacher, on: world.batch) < before)
  }

  @Test func aModelIsPrunedInThreeCuts() throws {
    let world = try world()
    let smaller = try prune(world.teacher, examples: world.examples, training: training(epochs: 1))
    let config = smaller.model.config
    #expect(config.hiddenSize == 8 && config.attentionHeads == 1 && config.intermediateSize == 16)
    #expect(smaller.reports.map(\.method) == ["prune"] && world.teacher.config.hiddenSize == 16)
  }

  @Test func aLossOfOnesOwn() throws {
    let world = try world()
    func angle() throws -> Float {
      let term = SameDirection(student: "encoder.layer.1", teacher: "encoder.layer.3")
      let batch = Batch(world.examples, at: Array(world.examples.indices))
      let distiller = try GeneralDistiller(
        DistillationConfig(), teacher: LiveTeacher(world.teacher), student: world.student, terms: [term])
      let parts = try distiller.loss(batch, progress: 0, in: .inference).parts
      return try #require(parts.first { $0.name == term.name }).value
    }
    let before = try angle()
    let summary = try distil(
      world.student, of: world.teacher, examples: world.examples, training: training(epochs: 10))
    #expect(summary.globalStep == 20)
    #expect(try angle() < 0.8 * before)
  }

  @Test func aTeacherOfOnesOwn() throws {
    let world = try world()
    // A text without the word "bad" is rather positive.
    let texts = texts.map(\.text)
    let answer = { (place: Int) in texts[place].contains("bad") ? [0.8, 0.2] : [0.1, 0.9] }
    _ = try distil(
      answer, labels: ["negative", "positive"], into: world.student, examples: world.examples,
      training: training(epochs: 40))
    let probabilities = world.student(world.batch, in: .inference).logits.softmax().values
    for place in texts.indices {
      #expect(abs(Double(probabilities[2 * place + 1]) - answer(place)[1]) < 0.15)
    }
  }

  @Test func anActorAnswersItsCallers() async throws {
    let world = try world()
    let service = try Service(model: world.teacherFolder)
    let labels = try await withThrowingTaskGroup(of: String.self) { group in
      for (text, _) in texts { group.addTask { try await service.classify(text).label } }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(labels.isSubset(of: ["negative", "positive"]))
    #expect(await service.answered == texts.count)
  }

  /// Mean squared difference of the logits of two models.
  private func distance(_ a: TaskModel, _ b: TaskModel, on batch: TokenBatch) -> Float {
    let logits = [a, b].map { $0(batch, in: .inference).logits.values }
    return zip(logits[0], logits[1]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(logits[0].count)
  }

  /// A random teacher of 4 layers that knows eleven tokens.
  private func makeTeacher(in folder: URL) throws {
    let vocabulary = Vocabulary([
      "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "bad", "not", "film", ",",
    ])
    var config = EncoderConfig(
      vocabularySize: vocabulary.count, hiddenSize: 16, layerCount: 4, attentionHeads: 2, intermediateSize: 32
    )
    config.maxPositions = 16
    config.labels = ["negative", "positive"]
    config.initializerRange = 0.2
    try TaskModel(config: config, seed: 1).save(to: folder)
    try BertTokenizer(vocabulary: vocabulary).save(to: folder)
  }
}
