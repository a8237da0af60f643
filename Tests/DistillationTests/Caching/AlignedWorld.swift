import Datasets
import Distillation
import Encoders
import Foundation
import Tasks
import TestSupport
import Tokenization

/// A BERT teacher and a RoBERTa student over English and Chinese rows, each with a tokenizer of its own kind.
struct AlignedWorld {
  let teacher: TaskModel
  let student: TaskModel
  let wordPiece: BertTokenizer
  let byteLevel: any Tokenizer
  let rows: TaskExamples
  let task: TaskDefinition

  init(_ head: TaskHead) throws {
    let vocabulary = try Vocabulary(contentsOf: Fixtures.url("tokenization/vocab.txt"))
    wordPiece = BertTokenizer(vocabulary: vocabulary)
    let folder = FileManager.default.temporaryDirectory.appending(path: "bpe-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, fixture) in [("vocab.json", "byte_level_vocab.json"), ("merges.txt", "byte_level_merges.txt")]
    {
      try FileManager.default.copyItem(
        at: Fixtures.url("tokenization/\(fixture)"), to: folder.appending(path: name))
    }
    byteLevel = try loadTokenizer(directory: folder)
    let sentences = [
      "the film was unbelievable", "北京大学生 read the book", "Cafés were good in 2026", "电影很好，我喜欢",
      "it was not a naïve film", "the book of the 学生", "don't go to 北京", "x",
    ]
    let labels: [String]
    switch head {
    case .tokenClassification:
      task = TaskDefinition(name: "t", kind: .tokenClassification, labels: ["A"])
      rows = .sentences(
        sentences.map { text in
          let words = text.split(separator: " ").map(String.init)
          return TaggedSentence(words: words, tags: words.indices.map { $0 % 2 })
        })
      labels = task.outputLabels
    case .questionAnswering:
      task = TaskDefinition(name: "t", kind: .questionAnswering)
      rows = .questions(
        sentences.enumerated().map { index, text in
          Question(
            id: "\(index)", text: "the film", context: text,
            answers: [.init(text: String(text.prefix(1)), start: 0)])
        })
      labels = ["LABEL_0", "LABEL_1"]
    default:
      task = TaskDefinition(name: "t", kind: .classification, labels: ["bad", "good"])
      rows = .texts(sentences.enumerated().map { TextExample(text: $1, label: $0 % 2) })
      labels = task.labels
    }
    func model(_ architecture: EncoderArchitecture, _ tokenizer: any Tokenizer, hidden: Int, seed: UInt64)
      throws
      -> TaskModel
    {
      var config = EncoderConfig(
        vocabularySize: tokenizer.idLimit, hiddenSize: hidden, layerCount: 2, attentionHeads: 2,
        intermediateSize: 2 * hidden)
      config.architecture = architecture
      if architecture == .roberta { (config.padTokenID, config.segmentCount) = (1, 1) }
      config.maxPositions = 126
      config.initializerRange = 0.3
      (config.hiddenDropout, config.attentionDropout) = (0, 0)
      (config.head, config.labels) = (head, labels)
      return try TaskModel(config: config, seed: seed)
    }
    teacher = try model(.bert, wordPiece, hidden: 12, seed: 1)
    student = try model(.roberta, byteLevel, hidden: 8, seed: 2)
  }

  /// The rows as a model with a tokenizer reads them.
  func encode(_ tokenizer: any Tokenizer) throws -> EncodedTask {
    try EncodedTask(rows, task: task, with: tokenizer, maxLength: 120)
  }

  /// The rows as a teacher reads them whose student reads something else.
  func aligned(student: any Tokenizer, teacher: any Tokenizer) throws -> AlignedExamples {
    try AlignedExamples(
      rows, student: try encode(student), studentTokenizer: student, studentLength: 120,
      teacherTokenizer: teacher,
      teacherLength: 120)
  }
}
