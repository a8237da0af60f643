import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization

/// Recurrent and convolutional models against PyTorch (see make_student_fixtures.py), and as students.
@Suite struct WordStudentTests {
  static let fixtures = [
    "bigru", "bigru-tokens", "bilstm", "bilstm-answers", "textcnn", "textcnn-tokens",
  ]

  @Test(arguments: fixtures)
  func statesLogitsAndGradientsEqualPyTorch(_ name: String) throws {
    let golden = try GoldenModel(name, in: "students")
    let model = try TaskModel(directory: golden.directory)
    #expect(model.loadReport?.fresh == [] && model.loadReport?.ignored == [])
    let context = Context(tape: Tape())
    let output = model(golden.batch, seeing: [.hiddenStates], in: context)
    #expect(output.hiddenStates.count == model.config.layerCount + 1)
    for (k, hidden) in output.hiddenStates.enumerated() {
      #expect(try golden.difference(hidden.values, "hidden.\(k)") < GoldenModel.forwardTolerance)
    }
    #expect(try golden.difference(output.logits.values, "logits") < GoldenModel.forwardTolerance)
    let upstream = Tensor(try golden.golden.floats("upstream"), shape: output.logits.shape)
    context.tape?.backward(from: (output.logits * upstream).sum())
    try golden.expectGradients(of: model.parameters)
  }

  @Test(arguments: fixtures)
  func savedDirectoriesLoadAgain(_ name: String) throws {
    let folder = try TemporaryFolder()
    let source = Fixtures.url("students/" + name)
    let model = try TaskModel(directory: source)
    try model.save(to: folder.url)
    let again = try TaskModel(directory: folder.url)
    #expect(again.head == model.head && again.config == model.config)
    for (a, b) in zip(again.parameters, model.parameters) { #expect(a.values == b.values) }
    let (before, after) = (
      try JSONValue(contentsOf: source.appending(path: "config.json")),
      try JSONValue(contentsOf: folder.url.appending(path: "config.json"))
    )
    #expect(before == after)
  }

  private func teacher(_ head: TaskHead = .sequenceClassification, words: Int = 40, width: Int = 8) throws
    -> TaskModel
  {
    var config = EncoderConfig(
      vocabularySize: words, hiddenSize: width, layerCount: 1, attentionHeads: 2, intermediateSize: 12)
    (config.head, config.maxPositions) = (head, 24)
    return try TaskModel(config: config, seed: 2)
  }

  @Test func shapesAreReadFromText() throws {
    #expect(try StudentShape("bigru") == .recurrent(.gru))
    #expect(try StudentShape("BiLSTM") == .recurrent(.lstm))
    #expect(try StudentShape("cnn") == .convolutional)
    for name in ["T3", "layers:0,2", "T4-tiny", "BiGRU", "BiLSTM", "CNN", "some/folder"] {
      #expect(try StudentShape(name).description == name)
    }
  }

  @Test func studentsStartFromTheTeachersWords() throws {
    let teacher = try teacher()
    let table = try #require(teacher.parameters.first { $0.name.hasSuffix("word_embeddings.weight") })
    let student = try TaskModel.student(.recurrent(.gru), of: teacher)
    #expect(student.config.architecture == .bigru && student.config.hiddenSize == 8)
    #expect(student.config.outputSize == 16 && student.config.maxPositions == 24)
    let words = student.parameters[0].values
    let scale = words[0] / table.values[0]
    #expect(GoldenModel.difference(words, table.values.map { $0 * scale }) < 1e-5)
    let square = words.reduce(0) { $0 + $1 * $1 } / Float(words.count)
    #expect(abs(square - 1) < 1e-4)
    #expect(student.loadReport?.loaded == ["bigru.embeddings.word_embeddings.weight"])
    // Every value is drawn from the seed and the name alone.
    let again = try TaskModel.student(.recurrent(.gru), of: teacher)
    for (a, b) in zip(student.parameters, again.parameters) { #expect(a.values == b.values) }
  }

  @Test func narrowerTablesKeepTheDistancesThatFit() throws {
    // A table of rank 3 loses nothing in three columns: every product of two rows stays, up to one common factor.
    let left = Tensor.normal(shape: [20, 3], standardDeviation: 1, random: RandomSource(seed: 1))
    let right = Tensor.normal(shape: [3, 8], standardDeviation: 1, random: RandomSource(seed: 2))
    let teacher = try teacher(words: 20)
    let table = try #require(teacher.parameters.first { $0.name.hasSuffix("word_embeddings.weight") })
    table.assign(left.matmul(right))
    let student = try TaskModel.student(
      .recurrent(.lstm), of: teacher, size: StudentSize(hiddenSize: 5, embeddingSize: 3, layerCount: 2))
    #expect(student.config.layerCount == 2 && student.config.embeddingSize == 3)
    func products(_ x: Tensor) -> [Float] { x.matmul(x, transposingSecond: true).values }
    let (wide, narrow) = (products(table.detached), products(student.parameters[0].detached))
    let factor = wide[0] / narrow[0]
    #expect(GoldenModel.difference(wide, narrow.map { $0 * factor }) < 2e-5 * (wide.map(abs).max() ?? 0))
  }

  @Test func convolutionalStudentsStackLayersForTokens() throws {
    let classifier = try TaskModel.student(.convolutional, of: teacher())
    #expect(classifier.config.layerCount == 1 && classifier.config.hiddenSize == 300)
    let tagger = try TaskModel.student(
      .convolutional, of: teacher(.tokenClassification), size: StudentSize(hiddenSize: 6))
    #expect(tagger.config.layerCount == 3)
    let batch = TokenBatch(sequences: [([1, 2, 3], [0, 0, 0]), ([4], [0])])
    #expect(tagger(batch, in: .inference).logits.shape == [4, 2])
    #expect(tagger(batch, rows: [3, 0], in: .inference).logits.shape == [2, 2])
  }

  @Test func theBiGRUHasTextBrewersSize() throws {
    // 28,996 words of 768, one layer of 768 units in each direction, and a layer from both directions to 768 (its table's 31M).
    let student = try TaskModel.student(.recurrent(.gru), of: teacher(words: 10, width: 768))
    let output = 768 * 2 + 2
    #expect(student.parameterCount - output + (28_996 - 10) * 768 == 30_536_448)
  }

  @Test func impossibleSizesAreRefused() throws {
    let teacher = try teacher()
    func refused(_ shape: StudentShape, _ size: StudentSize, of teacher: TaskModel) -> String {
      do {
        _ = try TaskModel.student(shape, of: teacher, size: size)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(
      refused(.recurrent(.gru), StudentSize(embeddingSize: 9), of: teacher)
        == "embedding_size: found 9, expected at most 8, the width of the teacher's word table")
    #expect(
      refused(.recurrent(.gru), StudentSize(hiddenSize: 0), of: teacher)
        == "hidden_size: found 0, expected a whole number from 1")
    #expect(
      refused(.convolutional, StudentSize(hiddenSize: 100), of: teacher).contains("multiple of the 3 widths"))
    #expect(
      refused(.preset(.tiny), StudentSize(layerCount: 2), of: teacher)
        .contains("num_hidden_layers 2 does not apply to a student T4-tiny"))
    #expect(
      refused(.recurrent(.gru), StudentSize(), of: try self.teacher(.maskedLanguageModel))
        .contains("bigru has none for it"))
  }
}
