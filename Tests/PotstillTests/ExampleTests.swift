import Foundation
import Potstill
import Testing

/// The example of the README, as a user would write it: load a teacher, make a student of it, distil, save.
///
/// - Parameters:
///   - teacherFolder: A fine-tuned classifier in Hugging Face's layout.
///   - texts: What to learn from; a text without a label still gets the teacher's opinion.
///   - output: Where the student goes; it loads in Python with `from_pretrained`.
func distil(
  teacherFolder: URL, texts: [(text: String, label: Int32?)], output: URL
) throws -> TrainingSummary {
  let tokenizer = try BertTokenizer(directory: teacherFolder)
  let teacher = try TaskModel(directory: teacherFolder)
  let student = try TaskModel.student(.evenlySpaced(layerCount: 2), of: teacher)

  let examples = try texts.map { text, label in
    let (ids, segments) = try tokenizer.encodeIDs(text, truncation: Truncation(maxLength: 128))
    return EncodedExample(ids: ids, segments: segments, label: label ?? EncodedExample.noLabel)
  }

  // Learn from the teacher's logits, a little from the labels, and from three of the teacher's hidden states.
  let config = DistillationConfig(
    temperature: 8, hardLabelWeight: 0.5,
    matches: [
      .match(IntermediateMatch(layerT: 0, layerS: 0, loss: .hiddenMSE)),
      .match(IntermediateMatch(layerT: 2, layerS: 1, loss: .hiddenMSE)),
      .match(IntermediateMatch(layerT: 4, layerS: 2, loss: .cos, projection: ProjectionConfig(.linear))),
    ])

  // An adaptor says what a loss may use of a model's output; this pair is what `GeneralDistiller` does by itself.
  let adaptorT: Adaptor = { batch, output, context in
    AdaptorResult(logits: [output.logits], hidden: output.hiddenStates)
  }
  let adaptorS: Adaptor = { batch, output, context in
    let loss = output.logits.softmaxCrossEntropy(labels: batch.labels)
    return AdaptorResult(logits: [output.logits], losses: [loss], hidden: output.hiddenStates)
  }
  let distiller = try GeneralDistiller(
    config, teacher: teacher, student: student, adaptorT: adaptorT, adaptorS: adaptorS)

  var training = TrainingConfig()
  training.learningRate = 1e-3
  training.numTrainEpochs = 3
  training.perDeviceTrainBatchSize = 4
  training.saveStrategy = .never
  let summary = try distiller.train(examples, config: training)

  try student.save(to: output)
  try tokenizer.save(to: output)
  return summary
}

@Suite struct ExampleTests {
  @Test func theReadmeExampleRuns() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "example-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let (teacherFolder, output) = (folder.appending(path: "teacher"), folder.appending(path: "student"))
    try makeTeacher(in: teacherFolder)

    let texts: [(String, Int32?)] = [
      ("a good film", 1), ("a bad film", 0), ("not a bad film", nil), ("good, not bad", nil), ("a film", nil),
      ("bad, bad film", 0), ("a good, good film", 1), ("not good", nil),
    ]
    let summary = try distil(teacherFolder: teacherFolder, texts: texts, output: output)
    #expect(summary.globalStep == 6)
    #expect(summary.trainLoss.isFinite)

    let student = try TaskModel(directory: output)
    #expect(student.config.layerCount == 2)
    #expect(student.config.labels == ["negative", "positive"])
    let tokenizer = try BertTokenizer(directory: output)
    let batch = TokenBatch(sequences: [tokenizer.encodeIDs("a good film")])
    #expect(student(batch, in: .inference).logits.shape == [1, 2])
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
    try TaskModel(config: config, seed: 1).save(to: folder)
    try BertTokenizer(vocabulary: vocabulary).save(to: folder)
  }
}
