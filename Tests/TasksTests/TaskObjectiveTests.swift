import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// The loss and gradients of every head's objective against `transformers` (Tests/Reference/make_head_fixtures.py).
@Suite("Objectives of every head")
struct TaskObjectiveTests {
  static let cases =
    ["bert", "roberta", "xlm-roberta", "electra", "distilbert"].flatMap { model in
      ["token", "answer", "masked"].map { "\(model)/\($0)" }
    } + ["bert/regression", "bert/multilabel"]

  /// A fixture's model, batch and targets.
  private struct Fixture {
    let model: TaskModel
    let golden: SafetensorsFile
    let batch: Batch

    init(_ name: String) throws {
      let directory = Fixtures.url("heads/" + name)
      model = try TaskModel(directory: directory)
      golden = try SafetensorsFile(path: directory.appending(path: "golden.safetensors").path)
      let (starts, ids) = (try golden.integers("starts"), try golden.integers("ids").map { Int32($0) })
      let segments = try golden.integers("segments").map { Int32($0) }
      let tokens = TokenBatch(
        sequences: zip(starts, starts.dropFirst()).map { (Array(ids[$0..<$1]), Array(segments[$0..<$1])) })
      batch = Batch(
        tokens: tokens, labels: [Int32](repeating: EncodedExample.noLabel, count: tokens.count),
        indices: Array(0..<tokens.count))
    }

    var targets: any TaskTargets {
      get throws {
        func integers(_ name: String) throws -> [Int32] { try golden.integers(name).map { Int32($0) } }
        return switch model.head {
        case .sequenceClassification where model.config.problem == .regression:
          NumberTargets.values(try golden.floats("values"))
        case .sequenceClassification: NumberTargets.labelMatrix(try golden.floats("matrix"))
        case .tokenClassification: ClassTargets(try integers("tags"))
        case .questionAnswering:
          SpanTargets(firsts: try integers("start_positions"), lasts: try integers("end_positions"))
        case .maskedLanguageModel: ClassTargets(maskedWords: try integers("tags"))
        case .sentenceSimilarity: CosineTargets(try golden.floats("values"))
        }
      }
    }
  }

  @Test("loss and gradients equal those of transformers", arguments: cases)
  func golden(_ name: String) throws {
    let fixture = try Fixture(name)
    let targets = try fixture.targets
    let objective = SupervisedObjective(fixture.model) { _ in targets }
    let context = Context(tape: Tape())
    let loss = try objective.loss(fixture.batch, progress: 0, in: context)
    // Float32 against float64 through one layer.
    #expect(abs(loss.total.item - (try fixture.golden.floats("loss")[0])) < 1e-5)
    context.tape?.backward(from: loss.total)
    for parameter in objective.groups.flatMap(\.parameters) {
      let found = try #require(parameter.gradient, "\(parameter.name) has no gradient").values
      let expected = try fixture.golden.floats("grad." + parameter.name)
      let limit = max(1e-6, 1e-4 * (expected.map(abs).max() ?? 0))
      #expect(zip(found, expected).allSatisfy { abs($0 - $1) < limit }, "\(parameter.name)")
    }
    let counts = ["token": 30, "answer": 3, "masked": 7, "regression": 4, "multilabel": 4]
    let kind = try #require(name.split(separator: "/").last)
    #expect(objective.weight(of: fixture.batch) == Double(counts[String(kind)] ?? 0))
  }

  @Test("what has no target does not count")
  func unknown() throws {
    let logits = Tensor([0.5, -1, 2, 1, 0, 3], shape: [3, 2])
    let starts: [Int32] = [0, 1, 2, 3]
    func loss(_ targets: any TaskTargets) -> Float {
      targets.loss(logits, starts: starts).item
    }
    let nan = Float.nan
    let (two, all): ([Float], [Float]) = ([1, 0, nan, nan, 0, 1], [1, 0, 0, 1])
    let kept = logits.rows(at: [0, 2])
    let target = Tensor(all, shape: [2, 2])
    #expect(loss(NumberTargets.values(two)) == kept.meanSquaredError(to: target).item)
    #expect(
      loss(NumberTargets.labelMatrix(two)) == kept.binaryCrossEntropy(targets: target).item)
    #expect(NumberTargets.labelMatrix(two).count(starts: starts) == 2)
    let nothings: [any TaskTargets] = [
      ClassTargets([-100, -100, -100]), NumberTargets.values([Float](repeating: .nan, count: 6)),
      NumberTargets.labelMatrix([]), SpanTargets(firsts: [-100, 1, 9], lasts: [-1, -100, 4]),
    ]
    for nothing in nothings {
      #expect(loss(nothing) == 0 && nothing.count(starts: starts) == 0, "\(nothing)")
    }
    let words = ClassTargets(maskedWords: [-100, -100, -100])
    #expect(words.rows == [] && words.count(starts: starts) == 0)
    #expect(words.loss(Tensor([], shape: [0, 2]), starts: starts).item == 0)
    let one = ClassTargets(maskedWords: [-100, 7, -100])
    #expect(one.rows == [1] && one.labels == [7])
  }
}
