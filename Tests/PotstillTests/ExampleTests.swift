import Foundation
import Potstill
import Testing

// MARK: The example of the README

/// Makes a student of a fine-tuned teacher; texts without a label learn from the teacher alone.
func distil(
  _ texts: [(text: String, label: Int32?)], teacher folder: URL, output: URL
) throws -> TrainingSummary {
  let tokenizer = try BertTokenizer(directory: folder)
  let teacher = try TaskModel(directory: folder)
  let student = try TaskModel.student(.evenlySpaced(layerCount: 2), of: teacher)
  let examples = try texts.map { text, label in
    let (ids, segments) = try tokenizer.encodeIDs(text, truncation: Truncation(maxLength: 128))
    return EncodedExample(ids: ids, segments: segments, label: label ?? EncodedExample.noLabel)
  }
  let config = DistillationConfig(temperature: 8, hardLabelWeight: 0.5, matches: [.map(.uniform)])
  let summary = try GeneralDistiller(config, teacher: teacher, student: student)
    .train(examples, config: TrainingConfig())
  try student.save(to: output)
  try tokenizer.save(to: output)
  return summary
}

// MARK: The example of docs/swift.md

/// Trains a student on the teacher's logits, a little on the labels, and on three of the teacher's hidden states.
func distil(
  _ student: TaskModel, of teacher: TaskModel, examples: [EncodedExample]
) throws -> TrainingSummary {
  let config = DistillationConfig(
    temperature: 8, hardLabelWeight: 0.5,
    matches: [
      .match(IntermediateMatch(layerT: 0, layerS: 0, loss: .hiddenMSE)),
      .match(IntermediateMatch(layerT: 2, layerS: 1, loss: .hiddenMSE)),
      .match(IntermediateMatch(layerT: 4, layerS: 2, loss: .cos, projection: ProjectionConfig(.linear))),
    ])
  let adaptor: Adaptor = { batch, output, context in
    let loss = output.logits.softmaxCrossEntropy(labels: batch.labels)
    return Answers(logits: [output.logits], losses: [loss])
  }
  let distiller = try GeneralDistiller(
    config, teacher: LiveTeacher(teacher), student: student, adaptor: adaptor)

  var training = TrainingConfig()
  training.learningRate = 1e-3
  training.numTrainEpochs = 3
  training.perDeviceTrainBatchSize = 4
  return try distiller.train(examples, config: training)
}

// MARK: Tests

@Suite struct ExampleTests {
  private let texts: [(text: String, label: Int32?)] = [
    ("a good film", 1), ("a bad film", 0), ("not a bad film", nil), ("good, not bad", nil), ("a film", nil),
    ("bad, bad film", 0), ("a good, good film", 1), ("not good", nil),
  ]

  @Test func theExampleOfTheReadmeRuns() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "example-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let (teacherFolder, output) = (folder.appending(path: "teacher"), folder.appending(path: "student"))
    try makeTeacher(in: teacherFolder)

    let summary = try distil(texts, teacher: teacherFolder, output: output)
    #expect(summary.globalStep == 3)

    let teacher = try TaskModel(directory: teacherFolder)
    let student = try TaskModel(directory: output)
    #expect(student.config.layerCount == 2)
    #expect(student.config.labels == ["negative", "positive"])
    let tokenizer = try BertTokenizer(directory: output)
    let start = try TaskModel.student(.evenlySpaced(layerCount: 2), of: teacher)
    let batch = TokenBatch(sequences: texts.map { tokenizer.encodeIDs($0.text) })
    #expect(distance(student, teacher, on: batch) < distance(start, teacher, on: batch))
  }

  @Test func theExampleWithAdaptorsRuns() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "example-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try makeTeacher(in: folder)
    let tokenizer = try BertTokenizer(directory: folder)
    let teacher = try TaskModel(directory: folder)
    let student = try TaskModel.student(.evenlySpaced(layerCount: 2), of: teacher)
    let batch = TokenBatch(sequences: texts.map { tokenizer.encodeIDs($0.text) })
    let before = distance(student, teacher, on: batch)

    let examples = texts.map { text, label in
      let (ids, segments) = tokenizer.encodeIDs(text)
      return EncodedExample(ids: ids, segments: segments, label: label ?? EncodedExample.noLabel)
    }
    #expect(try distil(student, of: teacher, examples: examples).globalStep == 6)
    #expect(distance(student, teacher, on: batch) < before)
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
