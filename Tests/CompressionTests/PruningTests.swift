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

@Suite struct PruningTests {
  private func rows() throws -> CompressionRows { try PruningGolden().rows() }

  @Test func aFolderOfTransformers4WithCutHeadsIsRead() throws {
    let golden = try PruningGolden()
    let model = try TaskModel(directory: Fixtures.url("pruning/transformers4"))
    #expect(model.config.prunedHeads == [0: [1], 2: [0, 3]])
    #expect(model.config.headCounts == [3, 4, 2])
    // Float32 beside float64.
    #expect(try golden.difference(golden.logits(model), "transformers4") < 1e-4)
  }

  @Test func theUsualFormLoadsInTransformers() throws {
    let golden = try PruningGolden()
    let pruning = StructuredPruning(to: .share(0.5, of: Set(PrunedPart.allCases)))
    let result = try pruning(golden.model, rows: golden.rows())
    let config = result.model.config
    #expect(config.reasonAgainstTransformers == nil && config.prunedHeads.isEmpty)
    #expect(config.layerCount == 2 && config.hiddenSize == 12 && config.attentionHeads == 2)
    // Whole eights of 20.
    #expect(config.intermediateSize == 8 && config.intermediateSizes == nil)
    #expect(try pruning.plan(for: golden.model.config) == config)
    let report = try #require(result.reports.first)
    #expect(report.before.parameters == golden.model.parameterCount)
    #expect(report.after.parameters == result.model.parameterCount && report.share < 0.5)
    #expect(report.description.contains("hidden size 24 → 12, heads 4 → 2, feed-forward size 20 → 8"))
    let folder = try TemporaryFolder()
    try result.model.save(to: folder.url)
    let (found, expectedLogits) = try FixedThreads.run {
      (try golden.logits(TaskModel(directory: folder.url)), try golden.logits(result.model))
    }
    #expect(found == expectedLogits)
  }

  @Test func whatTransformersCannotBuildIsRefusedWithAWay() throws {
    let golden = try PruningGolden()
    func problem(_ pruning: StructuredPruning) throws -> String {
      do {
        _ = try pruning(golden.model, rows: golden.rows())
        return ""
      } catch let error as CompressionError {
        return error.description
      }
    }
    let heads = StructuredPruning(to: .sizes(PrunedSizes(heads: 2)))
    #expect(try problem(heads).contains("cut both (hidden_size 12)"))
    #expect(try problem(heads).contains("compact"))
    let uneven = StructuredPruning(to: .share(0.5, of: [.neurons]), masks: .uneven(multipleOf: 1))
    #expect(try problem(uneven).contains("every layer alike"))
    for (target, text) in [
      (PruningTarget.sizes(PrunedSizes(layers: 4)), "num_hidden_layers: found 4, expected 1 to 3"),
      (.sizes(PrunedSizes(hiddenSize: 10)), "multiple of 6"),
      (.sizes(PrunedSizes(intermediateSize: 0)), "intermediate_size: found 0"),
      (.share(0, of: [.neurons]), "share: found 0"), (.share(0.5, of: []), "parts: found none"),
      (.megabytes(0.001, cutting: [.neurons, .hidden]), "leaves"),
    ] {
      #expect(try problem(StructuredPruning(to: target)).contains(text), "\(text)")
    }
    #expect(throws: CompressionError.self) { try heads(golden.model) }
  }

  @Test func otherFormsKeepWhatTheyCan() throws {
    let golden = try PruningGolden()
    let target = PruningTarget.sizes(PrunedSizes(heads: 2, intermediateSize: 8))
    let compact = try StructuredPruning(to: target, by: .logits, form: .compact)(
      golden.model, rows: golden.rows())
    let padded = try StructuredPruning(to: target, by: .logits, form: .padded)(
      golden.model, rows: golden.rows())
    #expect(compact.model.config.headCounts == [2, 2, 2] && compact.model.config.prunedHeads.count == 3)
    #expect(padded.model.config.headCounts == [4, 4, 4])
    #expect(compact.reports[0].notes.contains { $0.contains("padded form") })
    #expect(padded.reports[0].after.nonZero < padded.reports[0].before.nonZero)
    let (a, b) = (try golden.logits(compact.model), try golden.logits(padded.model))
    #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  @Test func megabytesAreKept() throws {
    let golden = try PruningGolden()
    let whole = Double(ModelSize(golden.model).bytes) / 1e6
    let pruning = StructuredPruning(
      to: .megabytes(0.6 * whole, cutting: [.neurons, .hidden]), by: .activations)
    let size = ModelSize(try pruning(golden.model, rows: golden.rows()).model)
    #expect(Double(size.bytes) / 1e6 <= 0.6 * whole && Double(size.bytes) / 1e6 > 0.3 * whole)
  }

  @Test func importantLayersStayInTheirOrder() throws {
    let golden = try PruningGolden()
    let importance = try Importance(of: golden.model, on: golden.rows(), by: .labels)
    let order = importance.layers.indices.sorted { importance.layers[$0] > importance.layers[$1] }
    let pruned = try StructuredPruning(to: .sizes(PrunedSizes(layers: 2)))(golden.model, rows: golden.rows())
    let expected = try TaskModel.student(from: golden.model, layers: order.prefix(2).sorted())
    let (found, expectedLogits) = try FixedThreads.run {
      (try golden.logits(pruned.model), try golden.logits(expected))
    }
    #expect(found == expectedLogits)
  }

  // MARK: Schedules

  @Test func schedulesAreThoseOfTheirPapers() throws {
    let golden = try PruningGolden()
    for (name, schedule) in [
      ("zhu_gupta", CubicSchedule(from: 1, to: 0.1, begin: 3, end: 17)),
      ("zhu_gupta_every", CubicSchedule(from: 1, to: 0.1, begin: 3, end: 17, every: 4)),
      ("sanh", CubicSchedule(from: 1, to: 0.1, total: 20, warmup: 3)),
    ] {
      // Rounded once to float32.
      #expect(try golden.difference((0...20).map(schedule.value(at:)), "schedule.\(name)") < 1e-6, "\(name)")
    }
    #expect(CubicSchedule(from: 2, to: 1, end: 0).value(at: 0) == 1)
  }

  @Test func iterationsGoFastAtFirst() throws {
    let golden = try PruningGolden()
    let pruning = StructuredPruning(to: .sizes(PrunedSizes(hiddenSize: 6, intermediateSize: 2)), by: .logits)
    var sizes: [ModelSize] = []
    let result = try IterativePruning(pruning, iterations: 3)(
      CompressedModel(golden.model), rows: golden.rows()
    ) { model, step in
      #expect(step.count == 3 && step.number == sizes.count + 1)
      sizes.append(step.size)
      return model
    }
    // (2/3)³ and (1/3)³ of the way are left.
    #expect(sizes.map { $0.intermediateSizes[0] } == [7, 3])
    #expect(sizes.map(\.hiddenSize) == [12, 6])
    let config = result.model.config
    #expect(config.hiddenSize == 6 && config.attentionHeads == 1 && config.intermediateSize == 2)
    #expect(result.reports.count == 1 && result.reports[0].before.hiddenSize == 24)
    // One cut is the one-shot method.
    let (once, shot) = try FixedThreads.run {
      let once = try IterativePruning(pruning, iterations: 1)(
        CompressedModel(golden.model), rows: golden.rows()
      ) { model, _ in model }
      let shot = try pruning(golden.model, rows: golden.rows())
      return (try golden.logits(once.model), try golden.logits(shot.model))
    }
    #expect(once == shot)
  }
}
