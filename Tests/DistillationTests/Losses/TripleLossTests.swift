import Datasets
import Distillation
import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// DistilBERT's loss against PyTorch; BERT of Tests/Fixtures/heads teaches ELECTRA.
@Suite struct TripleLossTests {
  private let teacher: TaskModel
  private let student: TaskModel
  private let batch: Batch

  init() throws {
    let fixtures = Fixtures.url("heads")
    teacher = try TaskModel(directory: fixtures.appending(path: "bert/masked"))
    student = try TaskModel(directory: fixtures.appending(path: "electra/masked"))
    let golden = try SafetensorsFile(path: fixtures.appending(path: "bert/masked/golden.safetensors").path)
    func integers(_ name: String) throws -> [Int32] { try golden.integers(name).map { Int32($0) } }
    let (ids, segments, tags) = (try integers("ids"), try integers("segments"), try integers("tags"))
    let starts = try golden.integers("starts")
    let examples = zip(starts, starts.dropFirst()).map { range in
      EncodedExample(
        ids: Array(ids[range.0..<range.1]), segments: Array(segments[range.0..<range.1]),
        target: .tags(Array(tags[range.0..<range.1])))
    }
    batch = Batch(examples, at: Array(examples.indices))
  }

  @Test(arguments: [true, false])
  func lossAndGradientsAreThoseOfPyTorch(restricted: Bool) throws {
    let golden = try Golden("triple/\(restricted ? "masked" : "all").safetensors")
    let triple = TripleLoss(restrictsCEToMask: restricted)
    let distiller = try triple.distiller(teacher: teacher, student: student)
    let context = Context(tape: Tape())
    let loss = try distiller.loss(batch, progress: 0, in: context)
    func part(_ name: String) throws -> Float {
      try #require(loss.parts.first { $0.name == name }, "no \(name)").value
    }
    let squared = Float(triple.temperature * triple.temperature)
    // The KL is a difference of two cross-entropies of about 3.7, so of their rounding errors.
    expectClose(
      Tensor(try part("kd_kl_divergence") * squared), try golden.tensor("ce"), relative: 1e-4, "ce")
    expectClose(Tensor(try part("unweighted_hard_label_loss")), try golden.tensor("mlm"), "mlm")
    expectClose(Tensor(try part("unweighted_hidden_cos_1_1")), try golden.tensor("cos"), "cos")
    // The teacher's entropy is all that the total has beyond PyTorch's.
    let entropy = try part("unweighted_kd_loss") - part("kd_kl_divergence") * squared
    let total = loss.total.item - 5 * entropy
    expectClose(Tensor(total), try golden.tensor("total"), relative: 1e-4, "total")
    context.tape?.backward(from: loss.total)
    for parameter in student.parameters {
      let gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient")
      expectClose(gradient, try golden.tensor("grad/" + parameter.name), relative: 1e-4, parameter.name)
    }
  }

  @Test func aCopyOfTheTeacherLearnsTheWordsOnly() throws {
    let copy = try TaskModel.student(.evenlySpaced(layerCount: 1), of: teacher)
    let distiller = try TripleLoss(alphaMLM: 0).distiller(teacher: teacher, student: copy)
    let context = Context(tape: Tape())
    let loss = try distiller.loss(batch, progress: 0, in: context)
    #expect(loss.parts.first { $0.name == "kd_kl_divergence" }?.value == 0)
    #expect(abs(loss.parts.first { $0.name == "unweighted_hidden_cos_1_1" }?.value ?? 1) < 1e-6)
    context.tape?.backward(from: loss.total)
    for parameter in copy.parameters {
      let gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient").values
      #expect(gradient.allSatisfy { abs($0) < 1e-4 }, "\(parameter.name)")
    }
  }

  /// MiniLMv2 and TinyBERT's general stage on plain text: matches without the three losses, or beside them.
  @Test func furtherLayersAreMatchedToo() throws {
    let matches: [MatchSource] = [
      .map(.last, weight: 0.5), .match(try #require(IntermediateMatch(.minilmv2))),
    ]
    let alone = try TripleLoss(alphaCE: 0, alphaMLM: 0, alphaCos: 0, matches: matches)
      .distiller(teacher: teacher, student: student)
    let context = Context(tape: Tape())
    let loss = try alone.loss(batch, progress: 0, in: context)
    let weights = Dictionary(
      uniqueKeysWithValues: alone.matches.map { ($0.logName, Float($0.weight)) })
    #expect(weights.count >= 2 && weights.values.contains(0.5))
    let sum = loss.parts.reduce(0) { $0 + $1.value * (weights[$1.name] ?? 0) }
    #expect(sum > 0 && abs(loss.total.item - sum) < 1e-5 * sum)
    context.tape?.backward(from: loss.total)
    let moved = student.parameters.filter { $0.gradient?.values.contains { $0 != 0 } ?? false }
    #expect(moved.contains { $0.name.contains("attention.self.query") })

    let beside = try TripleLoss(matches: matches).distiller(teacher: teacher, student: student)
    let triple = try TripleLoss().distiller(teacher: teacher, student: student)
    let totals = try [beside, triple, alone].map {
      try $0.loss(batch, progress: 0, in: .inference).total.item
    }
    #expect(abs(totals[0] - totals[1] - totals[2]) < 1e-4 * totals[0])
  }

  @Test func widthsMayDifferAndFaultsComeTogether() throws {
    let wide = try TaskModel.student(.preset(.tiny), of: teacher, seed: 4)
    let distiller = try TripleLoss().distiller(teacher: teacher, student: wide)
    #expect(distiller.projections.compactMap { $0 }.count == 1)
    #expect(try TripleLoss(alphaCos: 0).distiller(teacher: teacher, student: wide).projections.isEmpty)
    #expect(throws: DistillationError.self) {
      try TripleLoss(alphaCE: 0, alphaMLM: 0, alphaCos: 0).distiller(teacher: teacher, student: student)
    }
    do {
      _ = try TripleLoss(temperature: 0, alphaCE: -1).distiller(teacher: teacher, student: student)
      Issue.record("was not refused")
    } catch {
      #expect("\(error)".contains("alpha_ce") && "\(error)".contains("temperature"))
    }
  }
}
