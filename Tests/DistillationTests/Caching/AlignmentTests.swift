import Datasets
import Distillation
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Teachers and students that read different tokens.
@Suite struct AlignedDistillationTests {
  private static let heads: [TaskHead] = [.sequenceClassification, .tokenClassification, .questionAnswering]

  private func values(_ loss: StepLoss) -> [(String, Float)] { loss.parts.map { ($0.name, $0.value) } }

  @Test(arguments: heads)
  func alignedWithItselfATeacherSaysTheSame(head: TaskHead) throws {
    let world = try AlignedWorld(head)
    let student = try TaskModel.student(.evenlySpaced(layerCount: 1), of: world.teacher)
    let config = DistillationConfig(
      temperature: 2,
      matches: [
        .match(.init(teacherLayer: 2, studentLayer: 1)),
        .match(.init(teacherLayer: 1, studentLayer: 1, loss: .pkd)),
        .match(.init(teacherLayer: 2, studentLayer: 1, loss: .mmd)),
        .match(.init(teacherLayer: 2, studentLayer: 1, loss: .rkdDistance)),
      ])
    let examples = try world.encode(world.wordPiece).examples
    let plain = try GeneralDistiller(config, teacher: world.teacher, student: student)
    let aligned = try GeneralDistiller(
      config,
      teacher: AlignedTeacher(
        LiveTeacher(world.teacher),
        examples: try world.aligned(student: world.wordPiece, teacher: world.wordPiece)),
      student: student)
    let batch = Batch(examples, at: [5, 0, 3, 1])
    let (a, b) = (
      values(try plain.loss(batch, progress: 0, in: .inference)),
      values(try aligned.loss(batch, progress: 0, in: .inference))
    )
    #expect(a.map(\.0) == b.map(\.0))
    for (x, y) in zip(a, b)
    where
      !(head == .tokenClassification && x.0.hasPrefix("unweighted_kd")
      || x.0 == "kd_kl_divergence" && head == .tokenClassification)
    {
      #expect(abs(x.1 - y.1) < 1e-4 * max(1, abs(x.1)), "\(x) \(y)")
    }
    if head == .tokenClassification {
      // Words are compared at their first tokens, and special tokens not at all.
      let rows = aligned.teacher.alignment.map { examples in
        batch.indices.enumerated().flatMap { place, index in
          examples.alignments[index].words.map { batch.tokens.starts[place] + $0.student }
        }
      }
      let expected = KDLoss(.ce)(
        student: student(batch.tokens, in: .inference).logits.rows(at: try #require(rows)),
        teacher: world.teacher(batch.tokens, in: .inference).logits.rows(at: try #require(rows)),
        temperature: 2)
      #expect(abs(expected.item - b[0].1) < 1e-5)
    }
  }

  @Test(arguments: heads)
  func aStudentOfOtherTokensComesCloserToItsTeacher(head: TaskHead) throws {
    let world = try AlignedWorld(head)
    let folder = FileManager.default.temporaryDirectory.appending(path: "aligned-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let aligned = try world.aligned(student: world.byteLevel, teacher: world.wordPiece)
    let examples = try world.encode(world.byteLevel).examples
    #expect(aligned.teacher.map(\.ids) != examples.map(\.ids))
    let config = DistillationConfig(
      temperature: 2, hardLabelWeight: 0.1,
      matches: [.match(.init(teacherLayer: 2, studentLayer: 2, projection: ProjectionConfig()))])
    let distiller = try GeneralDistiller(
      config, teacher: AlignedTeacher(LiveTeacher(world.teacher), examples: aligned), student: world.student)
    let batch = Batch(examples, at: Array(examples.indices))
    let before = values(try distiller.loss(batch, progress: 0, in: .inference))
    // Answers kept on disk are the teacher's to its own tokens.
    try distiller.cacheTeacher(over: examples, in: folder.appending(path: "teacher.cache"))
    let cached = values(try distiller.loss(batch, progress: 0, in: .inference))
    for (a, b) in zip(before, cached) { #expect(abs(a.1 - b.1) < 2e-3 * max(1, abs(a.1)), "\(a) \(b)") }
    var training = CacheWorld.training(epochs: 30)
    training.perDeviceTrainBatchSize = 4
    training.learningRate = 1e-2
    try distiller.train(examples, config: training)
    let after = values(try distiller.loss(batch, progress: 0, in: .inference))
    for name in ["kd_kl_divergence", "unweighted_hidden_hidden_mse_2_2"] {
      let (first, last) = (
        try #require(before.first { $0.0 == name }).1, try #require(after.first { $0.0 == name }).1
      )
      #expect(last < 0.75 * first, "\(name): \(first) to \(last)")
    }
  }

  @Test func hiddenStatesAreMeansOverTheCharactersOfAToken() throws {
    let world = try AlignedWorld(.sequenceClassification)
    let aligned = try world.aligned(student: world.byteLevel, teacher: world.wordPiece)
    let alignment = AlignedTeacher(LiveTeacher(world.teacher), examples: aligned)
    let batch = Batch(try world.encode(world.byteLevel).examples, at: [1, 3])
    let other = Batch(aligned.teacher, at: batch.indices)
    // Each teacher's token holds its own number.
    let numbers = (0..<other.tokens.tokenCount).map { Float($0) }
    let hidden = Tensor(numbers, shape: [numbers.count, 1])
    let (layer, pooled) = ("encoder.layer.0", Tensor([1, 2], shape: [2, 1]))
    let answers = try alignment.aligned(
      Answers(values: [layer: hidden, "pooler": pooled]), of: batch, other, temperature: 2)
    // Every token of the student has some of the teacher's; what has a row for each sequence stays as it is.
    var student = Answers()
    try student.choose(like: answers)
    #expect(student.rows == nil && answers.values["pooler"]?.values == [1, 2])
    let means = try #require(answers.values[layer])
    #expect(means.shape == [batch.tokens.tokenCount, 1])
    for (place, index) in batch.indices.enumerated() {
      for (token, range) in aligned.alignments[index].teacherTokens.enumerated() {
        let value = means.values[batch.tokens.rows(of: place).lowerBound + token]
        let base = Float(other.tokens.starts[place])
        #expect(value == base + Float(range.lowerBound + range.upperBound - 1) / 2)
      }
    }
    #expect(throws: DistillationError.self) {
      var chosen = Answers(rows: [0])
      try chosen.choose(like: answers)
    }
    #expect(throws: DistillationError.self) {
      try alignment.aligned(Answers(rows: [0]), of: batch, other, temperature: 2)
    }
  }

  @Test func probabilitiesOfPositionsMoveAlongTheCharacters() throws {
    let world = try AlignedWorld(.questionAnswering)
    for (own, theirs) in [
      (world.byteLevel, world.wordPiece as any Tokenizer), (world.wordPiece, world.byteLevel),
    ] {
      let aligned = try world.aligned(student: own, teacher: theirs)
      let alignment = AlignedTeacher(LiveTeacher(world.teacher), examples: aligned)
      let batch = Batch(try world.encode(own).examples, at: [1, 3, 2])
      let other = Batch(aligned.teacher, at: batch.indices)
      let scores = (0..<other.tokens.tokenCount).map { Float(($0 * 37) % 11) - 5 }
      let result = Answers(
        logits: [Tensor(scores), Tensor(scores)], logitsKind: .positions(starts: other.tokens.starts))
      let moved = try alignment.aligned(result, of: batch, other, temperature: 4)
      func softened(_ values: ArraySlice<Float>) -> [Float] {
        let powers = values.map { exp(($0 - (values.max() ?? 0)) / 4) }
        return powers.map { $0 / powers.reduce(0, +) }
      }
      for (place, index) in batch.indices.enumerated() {
        let before = softened(scores[other.tokens.rows(of: place)])
        let targets = aligned.alignments[index].studentTokens
        for (list, isEnd) in [(0, false), (1, true)] {
          let after = softened(moved.logits[list].values[batch.tokens.rows(of: place)])
          var expected = [Float](repeating: 0, count: after.count)
          for (probability, range) in zip(before, targets) where !range.isEmpty {
            expected[Int(isEnd ? range.upperBound - 1 : range.lowerBound)] += probability
          }
          let kept = expected.reduce(0, +)
          #expect(kept > 0.9)
          for (a, b) in zip(after, expected) { #expect(abs(a - b / kept) < 1e-5) }
        }
      }
    }
  }

  @Test func whatCannotBeAlignedIsRefusedByName() throws {
    let world = try AlignedWorld(.questionAnswering)
    let aligned = try world.aligned(student: world.byteLevel, teacher: world.wordPiece)
    func message(_ config: DistillationConfig, aligned: AlignedExamples?) -> String {
      do {
        let live = LiveTeacher(world.teacher)
        _ = try GeneralDistiller(
          config, teacher: aligned.map { AlignedTeacher(live, examples: $0) } ?? live, student: world.student)
        return ""
      } catch { return "\(error)" }
    }
    #expect(message(DistillationConfig(), aligned: nil).contains("AlignedExamples"))
    #expect(message(DistillationConfig(), aligned: aligned) == "")
    #expect(message(DistillationConfig(kdLossType: .mse), aligned: aligned).contains("kd_loss_type: mse"))
    let attention = DistillationConfig(matches: [
      .match(.init(teacherLayer: 1, studentLayer: 1, loss: .attentionMSESum))
    ])
    #expect(message(attention, aligned: aligned).contains("attention_mse_sum compares token by token"))
    var masked = ModelDescription(world.teacher, name: "teacher")
    var student = ModelDescription(world.student, name: "student")
    (masked.head, student.head) = (.maskedLanguageModel, .maskedLanguageModel)
    #expect(
      DistillationConfig().validate(teacher: masked, student: student, isAligned: true)
        .contains { $0.message.contains("masked words") })
  }
}
