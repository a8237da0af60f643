import Encoders
import ModelFormats
import Tensors
import Testing
import Tokenization

/// What every family of encoders promises, tried on each that Potstill knows.
@Suite struct FamilyTests {
  static let heads: [(EncoderArchitecture, TaskHead)] = EncoderArchitecture.allCases.flatMap { family in
    TaskHead.allCases.filter { family.has($0) }.map { (family, $0) }
  }

  /// A small configuration as a file would say it.
  static func config(_ architecture: EncoderArchitecture, _ head: TaskHead) throws -> EncoderConfig {
    var object = JSONObject()
    object["model_type"] = .string(architecture.rawValue)
    for (path, value) in [
      (\EncoderConfig.vocabularySize, 40), (\.hiddenSize, 12), (\.layerCount, 2), (\.attentionHeads, 3),
      (\.intermediateSize, 20), (\.maxPositions, 20),
    ] as [(PartialKeyPath<EncoderConfig>, Int)] {
      object[architecture.key(path)] = .integer(value)
    }
    var config = try EncoderConfig(json: .object(object))
    config.head = head
    return config
  }

  @Test(arguments: heads)
  func aConfigurationIsReadAsItIsWritten(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    var written = try Self.config(architecture, head)
    (written.padTokenID, written.hiddenDropout, written.classifierDropout) = (1, 0.25, 0.5)
    let read = try EncoderConfig(json: written.json)
    #expect(read.architecture == architecture && read.head == head)
    #expect(read.json == written.json)
    #expect(read.maxPositions == written.maxPositions && read.classifierDropout == 0.5)
  }

  @Test(arguments: heads)
  func everyListedValueIsGiven(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    let config = try Self.config(architecture, head)
    let model = try TaskModel(config: config, seed: 3)
    let batch = TokenBatch(sequences: [
      (ids: [2, 3, 4, 5, 6], segments: [0, 0, 0, 0, 0]), (ids: [7, 8, 9, 2], segments: [0, 0, 0, 0]),
    ])
    let names = config.intermediates.map(\.name)
    #expect(Set(names).count == names.count && names.contains("embeddings"))
    let values = model(batch, taps: names, in: .inference).values
    for value in config.intermediates {
      let rows = value.rows == .sequences ? 2 : 9
      #expect(values[value.name]?.shape == [rows, value.width], "\(value.name)")
    }
  }

  @Test(arguments: heads)
  func parametersAreTheEncodersOrTheHeads(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    let config = try Self.config(architecture, head)
    let model = try TaskModel(config: config, seed: 3)
    // The rest is the head's, which another model can stand on its own encoder.
    let shared = try model.sharingEncoder(of: TaskModel(config: config, seed: 4), headPrefix: "heads.0")
    let own = shared.parameters.filter { $0.name.hasPrefix("heads.0.") }
    #expect(own.isEmpty == (head == .sentenceSimilarity))
    #expect(shared.parameters.count == model.parameters.count)
    for parameter in shared.parameters where !parameter.name.hasPrefix("heads.0.") {
      #expect(parameter.name.hasPrefix(config.modulePrefix), "\(parameter.name)")
    }
    let layers = model.parameters.filter { model.isOfLayers($0) }
    #expect(!layers.isEmpty && layers.count + own.count < model.parameters.count)
  }

  @Test(arguments: EncoderArchitecture.allCases)
  func theEstimateIsNearTheNumberOfParameters(_ architecture: EncoderArchitecture) throws {
    let config = try Self.config(architecture, .tokenClassification)
    let count = Double(try TaskModel(config: config, seed: 3).parameterCount)
    #expect(abs(config.parameterEstimate - count) < 0.5 * count)
  }

  @Test func familiesHaveNames() {
    #expect(
      EncoderArchitecture.allCases.map(\.rawValue) == [
        "bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert", "bigru", "bilstm", "textcnn",
      ])
    for architecture in EncoderArchitecture.allCases {
      #expect(EncoderArchitecture(rawValue: architecture.rawValue) == architecture)
    }
    #expect(EncoderArchitecture(rawValue: "albert") == nil)
    // Keys of teacher caches hold this spelling.
    #expect("\(EncoderArchitecture.xlmRoberta) \(EncoderArchitecture.bert)" == "xlmRoberta bert")
  }

  @Test func aHeadThatAFamilyLacksIsRefused() throws {
    let words = try Self.config(.bigru, .sequenceClassification)
    let masked = try TaskModel(config: Self.config(.bert, .maskedLanguageModel), seed: 1)
    #expect(!EncoderArchitecture.bigru.has(.maskedLanguageModel))
    let error = #expect(throws: ModelError.self) {
      try masked.sharingEncoder(of: TaskModel(config: words, seed: 1), headPrefix: "heads.0")
    }
    #expect(error?.description.contains("bigru has none for it") == true)
  }
}
