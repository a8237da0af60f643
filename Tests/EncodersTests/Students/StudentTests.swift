import Encoders
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct StudentTests {
  private func teacher() throws -> TaskModel {
    try TaskModel(directory: Fixtures.url("encoders/classifier"))
  }

  @Test func shapesAreReadFromText() throws {
    #expect(try StudentShape("T6") == .evenlySpaced(layerCount: 6))
    #expect(try StudentShape("t3") == .evenlySpaced(layerCount: 3))
    #expect(try StudentShape("T3-small") == .preset(.small))
    #expect(try StudentShape("t4-TINY") == .preset(.tiny))
    #expect(try StudentShape("T12-nano") == .preset(.nano))
    #expect(try StudentShape("layers:0, 5,11") == .layers([0, 5, 11]))
    #expect(try StudentShape("models/T6") == .directory("models/T6"))
    for text in ["layers:", "layers:1,", "layers:a", "layers:-1"] {
      #expect(throws: ModelError.self) { try StudentShape(text) }
    }
  }

  @Test func copiedLayersAreTheTeachers() throws {
    let teacher = try teacher()
    let student = try TaskModel.student(from: teacher, layers: [2, 0])
    #expect(student.config.layerCount == 2)
    #expect(student.loadReport?.fresh == [] && student.loadReport?.ignored == [])
    let byName = Dictionary(uniqueKeysWithValues: teacher.parameters.map { ($0.name, $0) })
    for parameter in student.parameters {
      let origin = parameter.name.replacing("layer.0.", with: "layer.x.").replacing(
        "layer.1.", with: "layer.0."
      )
      .replacing("layer.x.", with: "layer.2.")
      #expect(parameter.values == byName[origin]?.values, "\(parameter.name)")
    }
    // The student has values of its own.
    student.parameters[0].assign(Tensor(repeating: 0, shape: student.parameters[0].shape))
    #expect(teacher.parameters[0].values.contains { $0 != 0 })
  }

  @Test func allLayersMakeTheSameModel() throws {
    let golden = try GoldenModel("classifier")
    let student = try TaskModel.student(.evenlySpaced(layerCount: 3), of: teacher())
    #expect(try golden.difference(student(golden.batch, in: .inference).logits.values, "logits") < 1e-5)
    let folder = try TemporaryFolder()
    try student.save(to: folder.url)
    let again = try TaskModel.student(.directory(folder.url.path), of: teacher())
    #expect(again.loadReport?.fresh == [])
  }

  @Test func evenSpacingIsDistilBERTs() throws {
    var config = EncoderConfig(
      vocabularySize: 10, hiddenSize: 4, layerCount: 12, attentionHeads: 1, intermediateSize: 4)
    config.initializerRange = 1
    func chosen(_ count: Int, of total: Int) throws -> [Int] {
      config.layerCount = total
      let teacher = try TaskModel(config: config, seed: 3)
      let student = try TaskModel.student(.evenlySpaced(layerCount: count), of: teacher)
      func queries(_ model: TaskModel) -> [[Float]] {
        model.parameters.filter { $0.name.hasSuffix("query.weight") }.map(\.values)
      }
      let all = queries(teacher)
      return queries(student).compactMap { all.firstIndex(of: $0) }
    }
    #expect(try chosen(6, of: 12) == [0, 2, 4, 7, 9, 11])
    #expect(try chosen(3, of: 12) == [0, 5, 11])
    #expect(try chosen(3, of: 6) == [0, 2, 5])
    #expect(try chosen(1, of: 6) == [0])
    #expect(try chosen(2, of: 6) == [0, 5])
    #expect(try chosen(6, of: 6) == [0, 1, 2, 3, 4, 5])
  }

  @Test(arguments: [
    (StudentShape.Preset.small, 3, 384, 16_803_840), (.tiny, 4, 312, 13_874_136),
    (.nano, 12, 256, 17_097_984),
  ])
  func presetsAreFresh(_ preset: StudentShape.Preset, _ layers: Int, _ hidden: Int, _ published: Int) throws {
    let teacher = try teacher()
    let student = try TaskModel.student(.preset(preset), of: teacher, seed: 5)
    #expect(student.config.layerCount == layers && student.config.hiddenSize == hidden)
    #expect(student.config.vocabularySize == 120 && student.config.maxPositions == 24)
    #expect(student.config.labels == teacher.config.labels)
    #expect(student.loadReport == nil)
    // TextBrewer's tables count a vocabulary of 28996, 512 positions and no head.
    let head = 3 * hidden + 3
    #expect(student.parameterCount - head + (28996 - 120 + 512 - 24) * hidden == published)
  }

  @Test func impossibleStudentsAreRefused() throws {
    let teacher = try teacher()
    #expect(throws: ModelError.self) {
      try TaskModel.student(.evenlySpaced(layerCount: 4), of: teacher)
    }
    #expect(throws: ModelError.self) { try TaskModel.student(from: teacher, layers: [3]) }
    #expect(throws: ModelError.self) { try TaskModel.student(from: teacher, layers: []) }
    #expect(throws: ModelError.self) { try TaskModel.student(.directory("/nowhere"), of: teacher) }
  }

  @Test func aDirectoryMayReadOtherTokens() throws {
    let folder = try TemporaryFolder()
    let other = try TaskModel(
      config: EncoderConfig(
        vocabularySize: 7, hiddenSize: 4, layerCount: 1, attentionHeads: 1, intermediateSize: 4), seed: 1)
    try other.save(to: folder.url)
    let student = try TaskModel.student(.directory(folder.url.path), of: teacher())
    #expect(student.config.vocabularySize == 7)
    #expect(try student.config.labels == teacher().config.labels)
  }

  @Test func aTeacherThatIsNotThereHasNoLayersToCopy() throws {
    let config = try teacher().config
    for shape in [StudentShape.evenlySpaced(layerCount: 1), .layers([0])] {
      #expect(throws: ModelError.self) { try TaskModel.student(shape, of: nil, config: config) }
    }
    let student = try TaskModel.student(.preset(.tiny), of: nil, config: config)
    #expect(student.config.labels == config.labels && student.config.vocabularySize == config.vocabularySize)
  }
}
