import Compression
import Datasets
import Encoders
import Foundation
import Kernels
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// The tiny BERT of `Tests/Fixtures/pruning`, its batches, and what TextPruner, transformers 4 and PyTorch make of them.
struct PruningGolden {
  let golden: SafetensorsFile
  let model: TaskModel

  init() throws {
    golden = try SafetensorsFile(path: Fixtures.url("pruning/golden.safetensors").path)
    model = try TaskModel(directory: Fixtures.url("pruning"))
  }

  /// The examples of a batch.
  func examples(_ number: Int) throws -> [EncodedExample] {
    func integers(_ name: String) throws -> [Int32] {
      try golden.integers("batch.\(number).\(name)").map { Int32($0) }
    }
    let (ids, segments, labels) = (try integers("ids"), try integers("segments"), try integers("labels"))
    let starts = try integers("starts").map { Int($0) }
    return zip(starts, starts.dropFirst()).enumerated().map { index, ends in
      EncodedExample(
        ids: Array(ids[ends.0..<ends.1]), segments: Array(segments[ends.0..<ends.1]), label: labels[index])
    }
  }

  /// Both batches, three rows and two.
  func rows() throws -> CompressionRows {
    CompressionRows(try examples(0) + examples(1), batchSize: 3)
  }

  /// Logits of all rows.
  func logits(_ model: TaskModel) throws -> [Float] {
    try [0, 1].flatMap {
      let examples = try examples($0)
      return model(Batch(examples, at: Array(examples.indices)).tokens, in: .inference).logits.values
    }
  }

  /// The largest |found − expected| over the largest |expected|.
  func difference(_ found: [Double], _ name: String) throws -> Double {
    let expected = try golden.floats(name).map { Double($0) }
    guard found.count == expected.count else { return .infinity }
    let apart = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
    return apart / max(expected.map(abs).max() ?? 0, .leastNormalMagnitude)
  }

  func difference(_ found: [Float], _ name: String) throws -> Double {
    try difference(found.map { Double($0) }, name)
  }

  /// The places of ones in each row of a mask.
  func mask(_ name: String, rows: Int = 3) throws -> [[Int]] {
    let values = try golden.integers("masks.\(name)")
    let width = values.count / rows
    return (0..<rows).map { row in (0..<width).filter { values[row * width + $0] == 1 } }
  }

  /// The slice of the model that masks leave.
  func slice(_ name: String) throws -> ModelSlice {
    var slice = ModelSlice(of: model.config)
    (slice.heads, slice.neurons) = (try mask("\(name).heads"), try mask("\(name).neurons"))
    return slice
  }
}

@Suite struct ImportanceTests {
  // Sums in float32 beside float64, a few thousand terms.
  private let tolerance = 1e-4

  @Test func labelsGiveTextPrunersImportance() throws {
    let golden = try PruningGolden()
    let importance = try Importance(of: golden.model, on: golden.rows(), by: .labels)
    #expect(try golden.difference(importance.heads.flatMap(\.self), "labels.heads") < tolerance)
    #expect(try golden.difference(importance.neurons.flatMap(\.self), "labels.neurons") < tolerance)
    #expect(
      try golden.difference(importance.neuronOutputs.flatMap(\.self), "labels.neurons_uneven") < tolerance)
    #expect(try golden.difference(importance.features, "gradient.features") < tolerance)
    #expect(try golden.difference(importance.layers, "gradient.layers") < tolerance)
  }

  @Test func activationsHaveTheirMeanSize() throws {
    let golden = try PruningGolden()
    let importance = try Importance(of: golden.model, on: golden.rows(), by: .activations)
    #expect(try golden.difference(importance.heads.flatMap(\.self), "activations.heads") < tolerance)
    #expect(try golden.difference(importance.neurons.flatMap(\.self), "activations.neurons") < tolerance)
    #expect(try golden.difference(importance.features, "activations.features") < tolerance)
    #expect(try golden.difference(importance.layers, "activations.layers") < tolerance)
  }

  @Test func masksAreThoseOfTextPruner() throws {
    let golden = try PruningGolden()
    for (name, masks) in [
      ("even", PruningMasks.even), ("uneven", .uneven(multipleOf: 1)), ("groups", .uneven(multipleOf: 4)),
    ] {
      let pruning = StructuredPruning(
        to: .sizes(PrunedSizes(heads: 2, intermediateSize: 10)), masks: masks, form: .compact)
      let pruned = try pruning(golden.model, rows: golden.rows()).model
      let expected = try golden.slice(name)
      #expect(pruned.config.headCounts == expected.heads.map(\.count), "\(name)")
      #expect(pruned.config.feedForwardSizes == expected.neurons.map(\.count), "\(name)")
      // The same weights, not only as many, and the logits of TextPruner's pruned model.
      let kept = try golden.model.keeping(expected)
      for (a, b) in zip(pruned.parameters, kept.parameters) {
        #expect(a.values == b.values, "\(name): \(a.name)")
      }
      #expect(try golden.difference(golden.logits(pruned), "pruned.\(name)") < tolerance, "\(name)")
    }
  }

  /// The importance of a model that lacks parts, against what the whole model answers.
  @Test func logitsGiveTextPrunersImportance() throws {
    let golden = try PruningGolden()
    let slice = try golden.slice("even")
    let zeroed = try golden.model.keeping(slice).padded()
    let importance = try Importance(of: zeroed, on: golden.rows(), by: .logits, reference: golden.model)
    #expect(try golden.difference(importance.heads.flatMap(\.self), "logits.heads") < tolerance)
    // The model has the neurons that were kept alone; TextPruner's zeros have no importance.
    let theirs = try golden.golden.floats("logits.neurons").map { Double($0) }
    for (layer, neurons) in importance.neurons.enumerated() {
      let expected = slice.neurons[layer].map { theirs[layer * 20 + $0] }
      let largest = expected.max() ?? 0
      #expect(neurons.count == 10 && largest > 0)
      for (a, b) in zip(neurons, expected) { #expect(abs(a - b) <= tolerance * largest) }
    }
    for (layer, heads) in slice.heads.enumerated() {
      for head in 0..<4 where !heads.contains(head) { #expect(importance.heads[layer][head] == 0) }
    }
  }

  @Test func aModelOfItsOwnAnswersHasNoGradientAndSoDrawsThem() throws {
    let golden = try PruningGolden()
    let rows = try golden.rows()
    let own = try Importance(of: golden.model, on: rows, by: .logits, reference: golden.model)
    let (drawn, again) = try FixedThreads.run {
      (
        try Importance(of: golden.model, on: rows, by: .logits),
        try Importance(of: golden.model, on: rows, by: .logits)
      )
    }
    let largest = { (importance: Importance) in importance.heads.flatMap(\.self).max() ?? 0 }
    #expect(largest(own) < 1e-4 * largest(drawn))
    #expect(again == drawn)
    #expect(
      try (1...20).contains { try Importance(of: golden.model, on: rows, by: .logits, seed: $0) != drawn })
  }

  @Test(arguments: TaskHead.allCases)
  func everyHeadCanBeMeasured(_ head: TaskHead) throws {
    for problem in [nil, ProblemType.multiLabel, .regression]
    where problem == nil || head == .sequenceClassification {
      var config = EncoderConfig(
        vocabularySize: 30, hiddenSize: 8, layerCount: 2, attentionHeads: 2, intermediateSize: 6)
      (config.head, config.problemType, config.initializerRange) = (head, problem, 0.4)
      let model = try TaskModel(config: config, seed: 2)
      // Of masked words one is asked for.
      let target: ExampleTarget = head == .maskedLanguageModel ? .tags([-100, 9, -100, -100]) : .none
      let part = EncodedExample(ids: [2, 9, 8, 3], segments: [0, 0, 1, 1], target: target)
      let example = head == .sentenceSimilarity ? EncodedExample(first: part, second: part) : part
      let other = EncodedExample(ids: [2, 5, 3], segments: [0, 0, 0])
      let second = head == .sentenceSimilarity ? EncodedExample(first: other, second: part) : other
      let rows = CompressionRows([example, second], batchSize: 2)
      for measure in [ImportanceMeasure.logits, .activations] {
        let importance = try Importance(of: model, on: rows, by: measure)
        #expect(importance.heads.flatMap(\.self).allSatisfy { $0 > 0 && $0.isFinite }, "\(measure)")
        #expect(importance.features.allSatisfy { $0 > 0 && $0.isFinite }, "\(measure)")
      }
      #expect(model.parameters.allSatisfy { $0.gradient == nil && $0.isTrainable })
      let bare = CompressionRows(
        rows.examples.map { example in
          var example = example
          example.target = .none
          return example
        })
      let error = #expect(throws: CompressionError.self) { try Importance(of: model, on: bare, by: .labels) }
      #expect(error?.description.contains("none of the 2 rows") == true)
    }
  }

  @Test func wordEncodersAreRefused() throws {
    let words = try TaskModel(config: EncoderConfig(json: ["model_type": "bigru"]), seed: 1)
    let rows = CompressionRows([EncodedExample(ids: [1], segments: [0], label: 1)])
    #expect(throws: CompressionError.self) { try Importance(of: words, on: rows, by: .activations) }
    #expect(throws: CompressionError.self) {
      try StructuredPruning(to: .share(0.5, of: [.heads]))(words, rows: rows)
    }
  }
}
