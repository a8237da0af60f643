import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization

/// Models without some of their layers, features, heads and neurons, tried on each family of Transformers with each head.
@Suite struct ModelSliceTests {
  static let families: [EncoderArchitecture] = [
    .bert, .roberta, .xlmRoberta, .camembert, .electra, .distilbert,
  ]
  static let heads: [(EncoderArchitecture, TaskHead)] = families.flatMap { family in
    TaskHead.allCases.filter { family.has($0) }.map { (family, $0) }
  }

  private func model(_ architecture: EncoderArchitecture, _ head: TaskHead) throws -> TaskModel {
    var object = JSONObject()
    object["model_type"] = .string(architecture.rawValue)
    for (path, value) in [
      (\EncoderConfig.vocabularySize, 40), (\.hiddenSize, 12), (\.layerCount, 3), (\.attentionHeads, 4),
      (\.intermediateSize, 10), (\.maxPositions, 20),
    ] as [(PartialKeyPath<EncoderConfig>, Int)] {
      object[architecture.key(path)] = .integer(value)
    }
    object["initializer_range"] = .double(0.5)
    var config = try EncoderConfig(json: .object(object))
    config.head = head
    let model = try TaskModel(config: config, seed: 3)
    // Fresh biases are zeros, which could be lost without a trace.
    for (index, parameter) in model.parameters.enumerated() where parameter.name.hasSuffix("bias") {
      parameter.assign(
        .normal(shape: parameter.shape, standardDeviation: 0.3, random: RandomSource(seed: UInt64(index))))
    }
    return model
  }

  private func uneven(_ model: TaskModel) -> ModelSlice {
    var slice = ModelSlice(of: model.config)
    slice.heads = [[0, 2, 3], [1], [0, 1, 2, 3]]
    slice.neurons = [[1, 2, 9], Array(0..<10), [0, 3, 4, 5, 8]]
    return slice
  }

  private let batch = TokenBatch(sequences: [
    (ids: [2, 3, 4, 5, 6], segments: [0, 0, 0, 0, 0]), (ids: [7, 8, 9, 2], segments: [0, 0, 0, 0]),
  ])

  private func difference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
  }

  @Test(arguments: heads)
  func cutPartsAreThoseWhoseWeightsAreZero(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    let model = try model(architecture, head)
    let small = try model.keeping(uneven(model))
    #expect(small.config.headCounts == [3, 1, 4] && small.config.feedForwardSizes == [3, 10, 5])
    #expect(small.parameterCount < model.parameterCount)
    let estimate = { (model: TaskModel) in model.config.parameterEstimate - Double(model.parameterCount) }
    #expect(abs(estimate(small) - estimate(model)) < 1, "the estimate has every cut value")
    // The other way round: a whole model with the zeros that the smaller one lacks computes the same.
    let padded = try small.padded()
    #expect(padded.config.headCounts == [4, 4, 4] && padded.config.reasonAgainstTransformers == nil)
    #expect(padded.parameterCount == model.parameterCount)
    for (whole, zeroed) in zip(model.parameters, padded.parameters) {
      #expect(whole.name == zeroed.name && whole.shape == zeroed.shape)
      // Heads keep their place.
      let pairs = zip(whole.values, zeroed.values)
      #expect(!whole.name.contains("attention") || pairs.allSatisfy { $1 == 0 || $0 == $1 }, "\(whole.name)")
    }
    let (a, b) = (small(batch, in: .inference), padded(batch, in: .inference))
    // Sums over other numbers of terms.
    #expect(difference(a.logits.values, b.logits.values) < 1e-5)
    #expect(difference(a.logits.values, model(batch, in: .inference).logits.values) > 1e-3)
  }

  @Test(arguments: heads)
  func anUnevenModelIsReadAsItIsWritten(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    let model = try model(architecture, head)
    let small = try model.keeping(uneven(model))
    let folder = try TemporaryFolder()
    try small.save(to: folder.url)
    let read = try TaskModel(directory: folder.url)
    #expect(read.config.json == small.config.json)
    #expect(read.config.prunedHeads == [0: [1], 1: [0, 2, 3]])
    #expect(read.config.intermediateSizes == [3, 10, 5])
    FixedThreads.run {
      #expect(read(batch, in: .inference).logits.values == small(batch, in: .inference).logits.values)
    }
    #expect(small.config.reasonAgainstTransformers?.contains("fewer than 4 heads") == true)
    // A second cut counts among the heads that are left.
    var slice = ModelSlice(of: read.config, layers: [2, 0])
    slice.heads[1] = [0, 2]
    let again = try read.keeping(slice)
    #expect(again.config.prunedHeads == [1: [1, 2]] && again.config.feedForwardSizes == [5, 3])
    #expect(try CheckpointReport(directory: folder.url).summary.contains("1 to 4 heads"))
  }

  @Test(arguments: heads)
  func everyListedValueIsGiven(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    let model = try model(architecture, head)
    let small = try model.keeping(uneven(model))
    let names = small.config.intermediates.map(\.name)
    let maps = try (0..<3).map { try #require(small.config.attentionNames(inLayer: $0)).scores }
    let output = small(batch, taps: names + maps, in: .inference)
    for value in small.config.intermediates {
      let rows = value.rows == .sequences ? 2 : 9
      #expect(output.values[value.name]?.shape == [rows, value.width], "\(value.name)")
    }
    #expect(maps.map { output.maps[$0]?.heads } == [3, 1, 4])
    // Step by step and in one go it computes the same.
    #expect(difference(output.logits.values, small(batch, in: .inference).logits.values) < 1e-5)
  }

  @Test(arguments: heads)
  func featuresGoTogetherWithHeads(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    let model = try model(architecture, head)
    var slice = ModelSlice(of: model.config)
    slice.features = [0, 1, 4, 7, 8, 11]
    let error = #expect(throws: ModelError.self) { try model.keeping(slice) }
    #expect(error?.description.contains("at least 12 for the 4 heads") == true)
    slice.heads = [[0, 3], [1, 2], [2, 3]]
    let small = try model.keeping(slice)
    #expect(small.config.hiddenSize == 6 && small.config.attentionHeads == 2)
    #expect(small.config.prunedHeads.isEmpty && small.config.reasonAgainstTransformers == nil)
    let folder = try TemporaryFolder()
    try small.save(to: folder.url)
    let read = try TaskModel(directory: folder.url)
    FixedThreads.run {
      #expect(read(batch, in: .inference).logits.values == small(batch, in: .inference).logits.values)
    }
  }

  @Test func studentsAreMadeOfUnevenModels() throws {
    let whole = try model(.bert, .tokenClassification)
    let teacher = try whole.keeping(uneven(whole))
    let copied = try TaskModel.student(from: teacher, layers: [1, 0])
    #expect(copied.config.headCounts == [1, 3] && copied.config.feedForwardSizes == [10, 3])
    #expect(copied.config.intermediateSizes == [10, 3])
    let narrow = try TaskModel.student(
      from: teacher, layers: [2, 0], size: StudentSize(hiddenSize: 6, intermediateSize: 4))
    #expect(narrow.config.headCounts == [2, 2] && narrow.config.feedForwardSizes == [4, 3])
    #expect(narrow(batch, in: .inference).logits.shape == [9, 2])
    // The others of the family are as they were.
    #expect(try TaskModel.student(from: teacher, layers: [2]).config.intermediateSizes == nil)
  }

  @Test func whatNoModelCanHaveIsRefused() throws {
    let model = try model(.bert, .sequenceClassification)
    func problem(_ change: (inout ModelSlice) -> Void) -> String {
      var slice = ModelSlice(of: model.config)
      change(&slice)
      do throws(ModelError) { _ = try model.keeping(slice) } catch { return error.description }
      return ""
    }
    #expect(problem { $0.heads[1] = [] }.contains("heads of layer 1: found none"))
    #expect(problem { $0.neurons[2] = [3, 3] }.contains("neurons of layer 2: expected some of 0 to 9"))
    #expect(problem { $0.heads[0] = [4] }.contains("heads of layer 0: expected some of 0 to 3"))
    #expect(problem { $0.layers = [7, 0, 1] }.contains("no layer 7"))
    #expect(problem { $0.features = Array(0..<5) }.contains("multiple of 3"))
    let words = try TaskModel(config: EncoderConfig(json: ["model_type": "bigru"]), seed: 1)
    #expect(throws: ModelError.self) { try words.keeping(ModelSlice(of: words.config)) }
  }

  @Test(arguments: [
    ("pruned_heads", #"{"5": [0]}"#, "found layer 5, expected layers 0 to 2"),
    ("pruned_heads", #"{"0": [4]}"#, "expected heads 0 to 3"),
    ("pruned_heads", #"{"0": [1, 1]}"#, "each once"),
    ("pruned_heads", #"{"0": [0, 1, 2, 3]}"#, "expected one to be left"),
    ("pruned_heads", #"{"x": [0]}"#, "a layer and a list of its heads"),
    ("pruned_heads", "[1]", "expected an object"),
    ("intermediate_sizes", "[4, 5]", "expected one for each of the 3 layers"),
    ("intermediate_sizes", "[4, 0, 5]", "expected a whole number from 1"),
    ("num_attention_heads", "-3", "expected a whole number from 1"),
  ])
  func aConfigurationThatCannotBeIsAnError(_ key: String, _ value: String, _ problem: String) throws {
    var object = try #require(try model(.bert, .sequenceClassification).config.json.objectValue)
    object[key] = try JSONValue(parsing: value)
    let error = #expect(throws: ModelError.self) { try EncoderConfig(json: .object(object)) }
    #expect(error?.description.contains(key) == true)
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
  }
}
