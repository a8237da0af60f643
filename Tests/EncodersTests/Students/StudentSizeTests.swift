import Encoders
import Tensors
import Testing

/// The sizes that TextBrewer publishes for its models (its tables count no heads of tasks).
@Suite struct StudentSizeTests {
  /// A teacher without values: zeros that nobody writes take no memory.
  private func teacher(
    _ vocabulary: Int, architecture: EncoderArchitecture = .bert, layers: Int = 12, hidden: Int = 768,
    intermediate: Int = 3072
  ) throws -> TaskModel {
    var config = EncoderConfig(
      vocabularySize: vocabulary, hiddenSize: hidden, layerCount: layers, attentionHeads: hidden / 64,
      intermediateSize: intermediate)
    (config.architecture, config.initializerRange) = (architecture, 0)
    return try TaskModel(config: config, seed: 1)
  }

  /// Parameters without the layer that gives the logits and, in ELECTRA, without the head's other layer.
  private func size(_ model: TaskModel) -> Int {
    let (hidden, outputs) = (model.config.hiddenSize, model.config.labels.count)
    let inner = model.config.architecture == .electra ? hidden * hidden + hidden : 0
    return model.parameterCount - (hidden * outputs + outputs) - inner
  }

  @Test func studentsOfLayers() throws {
    let english = try teacher(28_996)
    #expect(size(english) == 108_310_272)
    #expect(size(try TaskModel.student(.evenlySpaced(layerCount: 6), of: english)) == 65_783_040)
    #expect(size(try TaskModel.student(.evenlySpaced(layerCount: 3), of: english)) == 44_519_424)
    let chinese = try teacher(21_128)
    #expect(size(chinese) == 102_267_648)
    #expect(size(try TaskModel.student(.evenlySpaced(layerCount: 3), of: chinese)) == 38_476_800)
    #expect(size(try teacher(21_128, architecture: .electra)) == 101_677_056)
  }

  @Test(arguments: [
    (StudentShape.Preset.small, 28_996, 16_803_840), (.tiny, 28_996, 13_874_136), (.nano, 28_996, 17_097_984),
    (.small, 21_128, 13_782_528), (.tiny, 21_128, 11_419_320),
  ])
  func presets(_ preset: StudentShape.Preset, _ vocabulary: Int, _ published: Int) throws {
    let student = try TaskModel.student(
      .preset(preset), of: try teacher(10, layers: 1, hidden: 64, intermediate: 8))
    #expect(size(student) + (vocabulary - 10) * student.config.hiddenSize == published)
  }

  @Test func narrowEmbeddingsMakeTheNanoAnELECTRASmall() throws {
    let student = try TaskModel.student(
      .preset(.nano), of: try teacher(10, layers: 1, hidden: 128, intermediate: 8),
      size: StudentSize(embeddingSize: 128))
    #expect(student.config.architecture == .electra && student.config.embeddingSize == 128)
    #expect(size(student) + (21_128 - 10) * 128 == 12_280_576)
  }
}
