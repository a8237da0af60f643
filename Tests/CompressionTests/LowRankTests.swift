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

/// Low rank against NumPy in the papers' own forms (`Tests/Reference/make_low_rank_fixtures.py`).
@Suite struct LowRankTests {
  private static let rules: [(String, LowRankWeighting)] = [
    ("plain", .plain), ("asvd", .activations()), ("whitened", .whitened), ("fisher", .fisher),
  ]
  private static let table = "bert.embeddings.word_embeddings"

  private func golden() throws -> SafetensorsFile {
    try SafetensorsFile(path: Fixtures.url("low_rank/golden.safetensors").path)
  }

  /// The products of a model's factors, by module.
  private func products(_ model: TaskModel) throws -> [String: Tensor] {
    let whole = try model.merged()
    var products: [String: Tensor] = [:]
    for module in model.config.lowRank.keys {
      products[module] = try #require(whole.parameter(module + ".weight")).detached
    }
    return products
  }

  private func apart(_ found: [Float], _ expected: [Float]) -> Float {
    guard found.count == expected.count else { return .infinity }
    let most = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
    return most / max(expected.map(abs).max() ?? 0, .leastNormalMagnitude)
  }

  @Test(arguments: rules)
  func factorsAreThoseOfThePapers(name: String, rule: LowRankWeighting) throws {
    let (model, file) = (try PruningGolden(), try golden())
    let before = model.model.parameters.map(\.values)
    let result = try LowRank(to: .rank(8), by: rule)(model.model, rows: model.rows())
    #expect(model.model.parameters.map(\.values) == before)
    #expect(Set(result.model.config.lowRank.values) == [8] && result.model.config.lowRank.count == 19)
    for (module, product) in try products(result.model) {
      // The reference is in float64 throughout; here inputs and gradients are float32, and the factors are stored in it.
      #expect(apart(product.values, try file.floats("\(name).\(module)")) < 1e-5, "\(module)")
    }
    // The same through three layers.
    #expect(apart(try model.logits(result.model), try file.floats("logits.\(name)")) < 1e-4)
  }

  @Test(arguments: rules)
  func ranksKeepTheEnergyThatIsAsked(name: String, rule: LowRankWeighting) throws {
    let (model, file) = (try PruningGolden(), try golden())
    let modules = model.model.factorisableModules
    let expected = Dictionary(uniqueKeysWithValues: zip(modules, try file.integers("ranks.\(name)")))
    let result = try LowRank(to: .energy(0.85), by: rule)(model.model, rows: model.rows())
    for module in modules {
      let shape = try #require(model.model.config.matrixShape(of: module))
      let rank = try #require(expected[module])
      let pays = rank * (shape[0] + shape[1]) < shape.count
      #expect(result.model.config.lowRank[module] == (pays ? rank : nil), "\(module)")
    }
    let notes = result.reports[0].notes.joined(separator: "\n")
    #expect(notes.contains("attention.self.query: rank ") && notes.contains(", energy kept "))
    let left = modules.count - result.model.config.lowRank.count
    #expect(
      left == 0
        || notes.contains("\(left) of 19 matrices stay whole, since two thin ones would be no smaller"))
    #expect(notes.contains("transformers does not load it"))
  }

  /// ‖(W − W′) S‖² is what the dropped singular values have, and no greater than that of the plain decomposition.
  @Test(arguments: rules)
  func weightedErrorsAreThoseOfTheory(name: String, rule: LowRankWeighting) throws {
    let (model, file) = (try PruningGolden(), try golden())
    func result(_ rule: LowRankWeighting) throws -> [String: Tensor] {
      try products(LowRank(to: .rank(8), by: rule)(model.model, rows: model.rows()).model)
    }
    let (found, plain) = (try result(rule), try result(.plain))
    for (module, product) in found {
      let whole = try #require(model.model.parameter(module + ".weight"))
      let isTable = module == Self.table
      func error(_ product: Tensor) throws -> Double {
        let difference = zip(whole.values, product.values).map { Double($0) - Double($1) }
        let matrix = DoubleMatrix(difference, rows: whole.shape[0], columns: whole.shape[1])
        if name == "whitened", !isTable {
          let size = whole.shape[1]
          let moments = DoubleMatrix(
            try file.floats("moments.\(module)").map { Double($0) }, rows: size, columns: size)
          let weighted = matrix.multiplied(by: moments)
          return zip(weighted.values, matrix.values).reduce(0.0) { $0 + $1.0 * $1.1 }
        }
        let scales =
          name == "plain"
          ? nil : try file.floats("scale.\(name == "whitened" ? "asvd" : name).\(module)").map { Double($0) }
        return matrix.values.enumerated().reduce(0.0) { sum, entry in
          let place = isTable ? entry.offset / matrix.columns : entry.offset % matrix.columns
          let value = entry.element * (scales?[place] ?? 1)
          return sum + value * value
        }
      }
      let tail = Double(try file.floats("tail.\(name).\(module)")[0])
      let weighted = try error(product)
      // Float32 of weights and factors, whose errors come on top of what was dropped.
      #expect(abs(weighted - tail) < 1e-4 * tail, "\(module)")
      #expect(weighted <= (try error(try #require(plain[module]))) * (1 + 1e-6), "\(module)")
    }
  }

  @Test func targetsAreReached() throws {
    let model = try PruningGolden()
    let whole = model.model
    let half = try LowRank(to: .share(0.5))(whole)
    for (module, rank) in half.model.config.lowRank {
      let shape = try #require(whole.config.matrixShape(of: module))
      let (values, most) = (rank * (shape[0] + shape[1]), shape.count / 2)
      #expect(values <= most && values + shape[0] + shape[1] > most, "\(module)")
    }
    let report = try #require(half.reports.first)
    #expect(report.after.parameters == half.model.parameterCount && report.share < 0.75)
    let size = Double(4 * whole.parameterCount) / 1e6
    for share in [0.4, 0.6, 0.9] {
      let result = try LowRank(to: .megabytes(share * size), by: .whitened)(whole, rows: model.rows())
      let reached = Double(4 * result.model.parameterCount) / 1e6
      // The next rank of the nineteen is not far.
      #expect(reached <= share * size && reached > (share - 0.1) * size)
    }
    let table = try LowRank(to: .rank(4), of: [.embeddings])(whole)
    #expect(table.model.config.lowRank == [Self.table: 4])
    let attention = try LowRank(to: .rank(4), of: [.attention])(table, rows: nil)
    #expect(attention.model.config.lowRank.count == 13 && attention.reports.count == 2)
    let inner = try LowRank(to: .rank(4), of: [.feedForward])(attention, rows: nil)
    #expect(inner.model.config.lowRank.count == 19)
  }

  /// Tables as ELECTRA has them: `transformers` builds the model, which has to be trained.
  @Test func narrowEmbeddingsAreThoseOfElectra() throws {
    let model = try PruningGolden()
    let result = try NarrowEmbeddings(size: 10)(model.model)
    let config = result.model.config
    #expect(config.architecture == .electra && config.embeddingSize == 10 && config.hiddenSize == 24)
    #expect(config.reasonAgainstTransformers == nil && result.reports[0].notes[0].contains("24 → 10 columns"))
    #expect(result.model.parameterCount < model.model.parameterCount)
    let folder = try TemporaryFolder()
    try result.model.save(to: folder.url)
    let again = try TaskModel(directory: folder.url)
    let (found, expected) = try FixedThreads.run {
      (try model.logits(again), try model.logits(result.model))
    }
    #expect(found == expected)
    func problem(_ size: Int, _ whole: TaskModel) -> String {
      do { return try NarrowEmbeddings(size: size)(whole).reports[0].method } catch { return "\(error)" }
    }
    #expect(problem(24, model.model).contains("embedding_size: found 24, expected 1 to 23"))
    #expect(problem(8, try model.model.quantized()).contains("8-bit integers"))
    #expect(problem(8, try LowRank(to: .rank(4))(model.model).model).contains("low rank already"))
    // The layers of the ELECTRA go on to low rank.
    let thin = try LowRank(to: .rank(4))(result, rows: nil)
    #expect(thin.model.config.lowRank.count == 19 && thin.reports.count == 2)
  }

  @Test func twoRunsAndTwoNumbersOfThreadsGiveOneModel() throws {
    let model = try PruningGolden()
    func values(_ threads: Int) throws -> [[Float]] {
      try FixedThreads.run(threads) {
        try LowRank(to: .energy(0.8))(model.model).model.parameters.map(\.values)
      }
    }
    let first = try values(1)
    #expect(try values(2) == first && values(1) == first)
  }

  @Test func whatCannotBeIsRefused() throws {
    let model = try PruningGolden()
    func problem(_ method: LowRank, _ whole: TaskModel? = nil, rows: CompressionRows? = nil) -> String {
      do {
        _ = try method(whole ?? model.model, rows: rows)
        return ""
      } catch {
        return "\(error)"
      }
    }
    let size = Double(4 * model.model.parameterCount) / 1e6
    for (method, text) in [
      (LowRank(to: .energy(0)), "energy: found 0"), (LowRank(to: .energy(.nan)), "energy: found nan"),
      (LowRank(to: .rank(0)), "rank: found 0"), (LowRank(to: .share(1)), "share: found 1.0"),
      (LowRank(to: .megabytes(0)), "megabytes: found 0"), (LowRank(to: .megabytes(0.001)), "rank 1 leaves"),
      (LowRank(to: .megabytes(size + 1)), "already"), (LowRank(to: .rank(24)), "no matrix has fewer values"),
      (LowRank(to: .rank(4), of: []), "parts: found none"),
      (LowRank(to: .rank(4), by: .whitened), "needs rows"),
      (LowRank(to: .rank(4), by: .activations(power: -1)), "power: found -1"),
    ] {
      #expect(problem(method).contains(text), "\(text): \(problem(method))")
    }
    #expect(problem(LowRank(to: .rank(4)), try model.model.quantized()).contains("8-bit integers"))
    let done = try LowRank(to: .rank(4))(model.model).model
    #expect(problem(LowRank(to: .rank(3)), done).contains("no whole matrices left"))
    let unlabelled = try CompressionRows(
      model.rows().examples.map { EncodedExample(ids: $0.ids, segments: $0.segments) })
    #expect(problem(LowRank(to: .rank(4), by: .fisher), rows: unlabelled).contains("has a label"))
    let damaged = try model.model.copy()
    let weight = try #require(damaged.parameter("bert.encoder.layer.1.output.dense.weight"))
    weight.assign(Tensor(repeating: .nan, shape: weight.shape))
    #expect(problem(LowRank(to: .rank(4)), damaged).contains("output.dense.weight holds 480 values"))
  }

  /// A model of low rank trains as any other: the loss on its rows falls.
  @Test func bothFactorsLearn() throws {
    let model = try PruningGolden()
    let small = try LowRank(to: .rank(6), by: .whitened)(model.model, rows: model.rows()).model
    let before = small.parameters.map(\.values)
    var config = TrainingConfig()
    (config.numTrainEpochs, config.perDeviceTrainBatchSize, config.learningRate) = (20, 5, 2e-3)
    let trainer = TaskTrainer(model: small, train: try model.rows().examples, config: config)
    _ = try trainer.train()
    for (parameter, old) in zip(small.parameters, before) where parameter.name.contains("layer.1.") {
      #expect(parameter.values != old, "\(parameter.name)")
    }
    // Pruned further, its importances are those of the whole.
    let importance = try Importance(of: small, on: model.rows(), by: .labels)
    let whole = try Importance(of: small.merged(), on: model.rows(), by: .labels)
    for (found, expected) in [(importance.heads, whole.heads), (importance.neurons, whole.neurons)] {
      for (a, b) in zip(found.flatMap(\.self), expected.flatMap(\.self)) {
        // Sums of float32 products in another order, of order 1e-2.
        #expect(abs(a - b) < 1e-5)
      }
    }
  }
}
