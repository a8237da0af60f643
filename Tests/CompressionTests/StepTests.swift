import Compression
import Datasets
import Encoders
import Kernels
import ModelFormats
import Tensors
import TestSupport
import Testing
import Training

@Suite struct StepTests {
  @Test("steps are read as they are written")
  func reads() throws {
    let steps = try CompressionStep.list("vocab=5, layers=3,hidden = 50%,ffn=0.25,int8")
    #expect(
      steps == [
        CompressionStep(.vocab, leaving: .count(5)), CompressionStep(.layers, leaving: .count(3)),
        CompressionStep(.hidden, leaving: .share(0.5)), CompressionStep(.ffn, leaving: .share(0.25)),
        CompressionStep(.int8),
      ])
    #expect(steps.map(\.description) == ["vocab=5", "layers=3", "hidden=50%", "ffn=25%", "int8"])
    #expect(try steps.map { try CompressionStep($0.description) } == steps)
    let spoken = try CompressionStep("vocab=en+ZH+en")
    #expect(spoken.languages.map(\.code) == ["en", "zh"] && spoken.amount == nil)
    #expect(try spoken.description == "vocab=en+zh" && CompressionStep("vocab=en+zh") == spoken)
  }

  @Test(
    "what is no step is refused with what was found",
    arguments: [
      ("layer=3", "did you mean layers?"), ("ffn=0", "expected a share"), ("ffn=-1", "expected a share"),
      ("ffn=150%", "expected a share"), ("ffn=", "expected a share"), ("vocab=50%", "number of times"),
      ("vocab=en+xx", "found \"xx\""),
      ("int8=3", "has no amount"), ("ffn=50%,ffn=20%", "given twice"), ("", "expected one of"),
      ("ffn,,int8", "expected one of"), ("ffn=nan", "expected a share"),
    ])
  func refuses(text: String, expected: String) {
    let error = #expect(throws: CompressionError.self) { try CompressionStep.list(text) }
    let said = error.map { "\($0)" } ?? ""
    #expect(said.contains(expected), "\(said)")
  }

  @Test("parts that stand side by side are cut in one shot, by shares and numbers")
  func methods() throws {
    let golden = try PruningGolden()
    let steps = try CompressionStep.list("layers=2,hidden=50%,ffn=8,int8")
    let methods = try steps.methods(CompressionWays(measure: .logits))
    #expect(methods.map(\.name) == ["prune", "int8"])
    let whole = CompressedModel(golden.model)
    let small = try whole.applying(methods) { _ in try golden.rows() }
    let config = small.model.config
    #expect(config.layerCount == 2 && config.hiddenSize == 12 && config.attentionHeads == 2)
    #expect(config.intermediateSize == 8 && small.model.isQuantized && !golden.model.isQuantized)
    #expect(small.reports.map(\.method) == ["prune", "int8"])
    let open = try CompressionStep.list("ffn")
    #expect(throws: CompressionError.self) { try open.methods(CompressionWays()) }
  }

  @Test("amounts of several parts are those of each alone, whatever their order")
  func amounts() throws {
    let config = try PruningGolden().model.config
    // Heads and hidden features at once: half of each, and not half of the half.
    for text in ["heads=50%,hidden=50%", "hidden=50%,heads=50%", "hidden=12,heads=2", "hidden=50%"] {
      var parts: [PrunedPart: PrunedAmount] = [:]
      for step in try CompressionStep.list(text) { parts[try #require(step.kind.part)] = step.amount }
      let planned = try StructuredPruning(to: .parts(parts)).plan(for: config)
      #expect(planned.hiddenSize == 12 && planned.headCounts == [2, 2, 2], "\(text)")
    }
    let few = try StructuredPruning(
      to: .parts([.hidden: .share(0.75), .heads: .count(1)]), form: .compact
    ).plan(for: config)
    #expect(few.hiddenSize == 18 && few.headCounts == [1, 1, 1])
  }

  @Test("a latency is reached by the largest share, or refused with what is reached")
  func latency() throws {
    let golden = try PruningGolden()
    let easy = try PruningTarget.latency(
      60_000, cutting: [.neurons], of: golden.model, on: golden.rows())
    #expect(easy == .share(1, of: [.neurons]))
    for (milliseconds, text) in [(1e-9, "reaches"), (0, "found 0.0 ms"), (.nan, "found nan ms")] {
      let error = #expect(throws: CompressionError.self) {
        try PruningTarget.latency(milliseconds, cutting: [.neurons], of: golden.model, on: golden.rows())
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains(text))
    }
  }

  @Test("the share is the largest that costs no more than wanted")
  func shares() throws {
    let config = try PruningGolden().model.config
    func found(_ wanted: Double, least: Int = 1) throws -> (share: Double, cost: Double) {
      try ShareSearch.largest(costing: wanted, least: least) { share throws(CompressionError) in
        Double(try StructuredPruning(to: .share(share, of: [.layers])).plan(for: config).layerCount)
      }
    }
    // 2 of 3 layers are what a share of 16/20 rounds down to: 2.4; 17/20 is 2.55.
    let two = try found(2)
    #expect(two.share == 0.8 && two.cost == 2)
    let one = try found(0.5, least: 5)
    #expect(one.share == 0.25 && one.cost == 1)
    #expect(try found(3).share == 1)
  }
}

/// The search for what must stay floats.
@Suite struct QuantizationSearchTests {
  @Test("the most sensitive matrices stay floats, as few as do")
  func search() throws {
    try FixedThreads.run {
      let golden = try PruningGolden()
      let search = QuantizationSearch(maxDrop: 0.1)
      let order = try search.sensitivities(of: golden.model, on: golden.rows())
      let modules = golden.model.quantizableModules()
      #expect(Set(order.map(\.name)) == Set(modules) && order.count == modules.count)
      #expect(zip(order, order.dropFirst()).allSatisfy { $0.error >= $1.error } && order[0].error > 0)
      // Of one matrix alone in integers: the mean square of what changes, by the number of its values.
      let whole = try golden.logits(golden.model)
      let alone = try golden.logits(
        golden.model.quantized(keeping: modules.filter { $0 != order[0].name }))
      let change = zip(alone, whole).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
      let size = golden.model.parameters.reduce(0) {
        $0 + ($1.name.hasPrefix(order[0].name + ".") ? $1.count : 0)
      }
      let expected = change / Double(whole.count) / Double(size)
      // Batches of other sizes round differently.
      #expect(abs(order[0].error - expected) < 1e-3 * expected)
      // A score that counts the five most sensitive ones that are integers.
      let worst = Set(order.prefix(5).map(\.name))
      func score(_ model: TaskModel) -> Double {
        let floats = model.parameters.filter { $0.byteCount == 4 * $0.count }.map { $0.name.dropLast(7) }
        return 1 - 0.2 * Double(worst.subtracting(floats.map(String.init)).count)
      }
      let found = try search(
        CompressedModel(golden.model), before: 1, rows: golden.rows(), score: score)
      #expect(found.kept == order.prefix(5).map(\.name) && found.score == 1)
      #expect(found.model?.model.isQuantized == true && found.scored <= 8)
      let free = try search(CompressedModel(golden.model), before: 1, rows: golden.rows()) { _ in 0.95 }
      #expect(free.kept.isEmpty && free.scored == 1)
      let hopeless = try search(CompressedModel(golden.model), before: 1, rows: golden.rows()) { _ in 0 }
      #expect(hopeless.model == nil && hopeless.kept.count == order.count && hopeless.score == 1)
    }
  }

  @Test("what is asked to stay float is not searched, and a wrong name is refused")
  func keeping() throws {
    let golden = try PruningGolden()
    let search = QuantizationSearch(maxDrop: 0, keeping: ["embeddings", "output.dense"])
    let order = try search.sensitivities(of: golden.model, on: golden.rows()).map(\.name)
    #expect(!order.isEmpty && order.allSatisfy { !$0.contains("embeddings") && !$0.contains("output.dense") })
    #expect(throws: CompressionError.self) {
      try Quantization(keeping: ["nothing"])(CompressedModel(golden.model), rows: nil)
    }
  }
}
