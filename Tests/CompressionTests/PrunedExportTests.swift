import Compression
import Datasets
import Encoders
import Foundation
import Kernels
import ModelFormats
import Tasks
import Tensors
import Testing
import Tokenization
import Training

/// The Swift half of Tests/Reference/parity_pruning.py, asleep unless that wakes it.
@Suite struct PrunedExportTests {
  private static let folder = ProcessInfo.processInfo.environment["POTSTILL_PARITY_DIR"]

  private let rows = [[2, 3, 4, 5, 6], [7, 8, 9, 2, 17, 11, 12], [20, 21, 22]].map {
    EncodedExample(ids: $0, segments: $0.map { _ in 0 }, label: $0[0] % 2)
  }

  private func model(_ architecture: EncoderArchitecture) throws -> TaskModel {
    var object = JSONObject()
    object["model_type"] = .string(architecture.rawValue)
    for (path, value) in [
      (\EncoderConfig.vocabularySize, 40), (\.hiddenSize, 24), (\.layerCount, 3), (\.attentionHeads, 4),
      (\.intermediateSize, 20), (\.maxPositions, 20),
    ] as [(PartialKeyPath<EncoderConfig>, Int)] {
      object[architecture.key(path)] = .integer(value)
    }
    object["initializer_range"] = .double(0.3)
    return try TaskModel(config: EncoderConfig(json: .object(object)), seed: 3)
  }

  @Test(.enabled(if: Self.folder != nil))
  func exportPruned() throws {
    let folder = URL(filePath: try #require(Self.folder))
    let rows = CompressionRows(rows)
    let heads = PrunedSizes(heads: 2)
    let both = PrunedSizes(heads: 2, intermediateSize: 10)
    let forms: [(String, StructuredPruning)] = [
      ("even", StructuredPruning(to: .share(0.5, of: Set(PrunedPart.allCases)))),
      ("neurons", StructuredPruning(to: .share(0.5, of: [.neurons]), by: .logits)),
      ("hidden", StructuredPruning(to: .share(0.5, of: [.hidden]), by: .activations)),
      ("layers", StructuredPruning(to: .sizes(PrunedSizes(layers: 2)))),
      ("heads-compact", StructuredPruning(to: .sizes(heads), masks: .uneven(multipleOf: 1), form: .compact)),
      ("heads-padded", StructuredPruning(to: .sizes(heads), form: .padded)),
      ("uneven-compact", StructuredPruning(to: .sizes(both), masks: .uneven(multipleOf: 1), form: .compact)),
      ("uneven-padded", StructuredPruning(to: .sizes(both), masks: .uneven(multipleOf: 1), form: .padded)),
    ]
    for architecture in [EncoderArchitecture.bert, .roberta, .xlmRoberta, .camembert, .electra, .distilbert] {
      let model = try model(architecture)
      for (form, pruning) in forms {
        try write(
          pruning(model, rows: rows).model,
          to: folder.appending(path: "pruned/\(architecture.rawValue)-\(form)"))
      }
      let thin = try LowRank(to: .rank(4), by: .whitened)(model, rows: rows).model
      for (form, model) in [("rank-compact", thin), ("rank-merged", try thin.merged())] {
        try write(model, to: folder.appending(path: "pruned/\(architecture.rawValue)-\(form)"))
      }
      let masks = try LearntMaskObjective(
        SupervisedObjective(model), of: model, as: LearntMasks(sparsity: 0.5, warmUp: 0), steps: 1)
      // A layer and another's attention are closed, and some of everything else.
      for (kind, parameter) in masks.gates.kinds {
        let values =
          switch kind {
          case .attention: [Float](arrayLiteral: 4, -4.5, -4.5)
          case .feedForward: [Float](arrayLiteral: 4, -4.5, 4)
          case .heads, .neurons, .features: (0..<parameter.count).map { Float(4 - 3 * ($0 % 4)) }
          }
        parameter.assign(Tensor(values, shape: parameter.shape))
      }
      for (form, name) in [(PrunedForm.compact, "compact"), (.padded, "padded")] {
        try write(
          masks.cut(as: form).model,
          to: folder.appending(path: "pruned/\(architecture.rawValue)-masks-\(name)"))
      }
    }
    try writeImportance(in: folder)
  }

  private func write(_ model: TaskModel, to folder: URL) throws {
    try model.save(to: folder)
    let batch = Batch(rows, at: Array(rows.indices)).tokens
    let logits = model(batch, in: .inference).logits
    var outputs = SafetensorsWriter()
    outputs.add("logits", shape: logits.shape.dimensions, values: logits.values)
    outputs.add("ids", shape: [batch.tokenCount], values: batch.ids.map { Float($0) })
    outputs.add("starts", shape: [batch.starts.count], values: batch.starts.map { Float($0) })
    try outputs.write(to: folder.appending(path: "outputs.safetensors"))
  }

  /// Importances, even masks of half the heads and neurons, and the answers of what they leave, where TextPruner has written a
  /// model and batches.
  private func writeImportance(in folder: URL) throws {
    let directory = folder.appending(path: "model")
    guard FileManager.default.fileExists(atPath: directory.path) else { return }
    var examples: [EncodedExample] = []
    for number in 0..<3 {
      let file = try SafetensorsFile(path: folder.appending(path: "inputs-\(number).safetensors").path)
      func integers(_ name: String) throws -> [Int32] { try file.integers(name).map { Int32($0) } }
      let (ids, segments, labels) = (try integers("ids"), try integers("segments"), try integers("labels"))
      let starts = try integers("starts").map { Int($0) }
      for (row, ends) in zip(starts, starts.dropFirst()).enumerated() {
        examples.append(
          EncodedExample(
            ids: Array(ids[ends.0..<ends.1]), segments: Array(segments[ends.0..<ends.1]), label: labels[row]))
      }
    }
    let model = try TaskModel(directory: directory)
    let rows = CompressionRows(examples, batchSize: 16)
    let importance = try Importance(of: model, on: rows, by: .labels)
    var file = SafetensorsWriter()
    func add(_ name: String, _ scores: [[Double]], keeping count: Int) {
      let shape = [scores.count, scores[0].count]
      file.add(name + "s", shape: shape, values: scores.flatMap { $0.map { Float($0) } })
      let kept = PruningMasks.even.kept(count, of: scores)
      let mask = zip(scores, kept).flatMap { scores, kept in
        scores.indices.map { kept.contains($0) ? Float(1) : 0 }
      }
      file.add(name + "_mask", shape: shape, values: mask)
    }
    add("head", importance.heads, keeping: 6)
    add("neuron", importance.neurons, keeping: 768)
    let half = StructuredPruning(
      to: .sizes(PrunedSizes(heads: 6, intermediateSize: 768)), by: .labels, form: .compact)
    let cut = try half(model, rows: rows).model
    let logits = cut(Batch(examples, at: Array(examples.indices)).tokens, in: .inference).logits
    file.add("logits", shape: logits.shape.dimensions, values: logits.values)
    try cut.save(to: folder.appending(path: "cut"))
    try file.write(to: folder.appending(path: "importance.safetensors"))
  }
}
