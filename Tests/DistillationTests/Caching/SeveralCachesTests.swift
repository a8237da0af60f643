import Datasets
import Distillation
import Encoders
import Foundation
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Answers on disk for several teachers, and for the teachers of several tasks.
@Suite struct SeveralCachesTests {
  /// The second teacher's outputs stand for the student's labels in another order.
  @Test(arguments: TeacherAverage.allCases)
  func keptAnswersStandForTeachersThatAreNotThere(average: TeacherAverage) throws {
    let (one, two) = (try CacheWorld(), try CacheWorld(teacherSeed: 4))
    let files = [try one.build(), try two.build()]
    let config = DistillationConfig(temperature: 2)
    func distiller(_ teachers: [WeightedTeacher]) throws -> GeneralDistiller {
      try severalTeachers(config, teachers: teachers, average: average, student: try one.student())
    }
    let labels = try one.student().config.labels
    let asked = try distiller([
      WeightedTeacher(LiveTeacher(one.teacher), 2),
      WeightedTeacher(ReorderedTeacher(LiveTeacher(two.teacher), labels: labels, outputs: [1, 2, 0])),
    ])
    let kept = try distiller([
      WeightedTeacher(try StoredTeacher(files[0]), 2),
      WeightedTeacher(
        ReorderedTeacher(try StoredTeacher(files[1], of: two.teacher), labels: labels, outputs: [1, 2, 0])),
    ])
    #expect(kept.teacher.model == nil)
    let shares = { (distiller: GeneralDistiller) in (distiller.teacher as? TeacherEnsemble)?.shares }
    #expect(shares(kept) == shares(asked) && shares(kept) == [2.0 / 3, 1.0 / 3])
    for indices in [[0, 1, 2, 3], [29, 4, 11]] {
      let batch = Batch(one.examples, at: indices)
      let (a, b) = (
        try asked.loss(batch, progress: 0, in: .inference), try kept.loss(batch, progress: 0, in: .inference)
      )
      #expect(a.parts.map(\.name) == b.parts.map(\.name))
      for (x, y) in zip(a.parts, b.parts) { #expect(abs(x.value - y.value) < 1e-5 * max(1, abs(x.value))) }
    }
    try kept.train(one.examples, config: CacheWorld.training())
  }

  @Test func strangersAmongSeveralAreRefusedByName() throws {
    let (one, two) = (try CacheWorld(), try CacheWorld(teacherSeed: 4))
    let (first, second) = (try one.build(), try two.build())
    let student = try one.student()
    #expect(
      message {
        _ = try severalTeachers(
          DistillationConfig(),
          teachers: [
            WeightedTeacher(try StoredTeacher(first)),
            WeightedTeacher(try StoredTeacher(second, of: one.teacher)),
          ],
          student: student)
      }.contains("\(two.file.path): does not fit: it holds the answers of another teacher"))
    // The second was asked about other texts.
    let other = try CacheWorld(teacherSeed: 4)
    let strange = try TeacherCacheFile.build(
      other.file,
      description: TeacherCacheDescription(
        teacher: other.teacher, name: "t", examples: CacheWorld.examples(30, seed: 8),
        parts: CachedPart.logits(of: other.teacher.config)),
      examples: CacheWorld.examples(30, seed: 8), teacher: other.teacher,
      budget: CacheBudget(bytes: 1 << 30))
    let distiller = try severalTeachers(
      DistillationConfig(),
      teachers: [WeightedTeacher(try StoredTeacher(first)), WeightedTeacher(try StoredTeacher(strange))],
      student: student)
    let text = message { try distiller.train(one.examples, config: CacheWorld.training()) }
    #expect(text.contains("\(other.file.path): does not fit: it was built over other texts"), "\(text)")
  }

  /// Where the first teacher's layers are in a file, the others are not asked twice either.
  @Test func layersInAFileAndLogitsInMemory() throws {
    let world = try CacheWorld()
    var runs = 0
    let second = try tinyModel(layers: 3, seed: 7)
    let distiller = try severalTeachers(
      DistillationConfig(matches: [
        .match(IntermediateMatch(teacherLayer: 3, studentLayer: 2, projection: ProjectionConfig()))
      ]),
      teachers: [
        WeightedTeacher(LiveTeacher(world.teacher)),
        WeightedTeacher(
          LiveTeacher(
            second,
            adaptor: { batch, output, context in
              runs += 1
              return Adaptors.features(batch, output, context)
            })),
      ], student: try world.student())
    #expect(distiller.cacheObstacle == nil)
    try distiller.cacheTeacher(over: world.examples, in: world.file)
    try distiller.train(world.examples, config: CacheWorld.training(epochs: 1))
    #expect(runs == 4)
    for start in stride(from: 0, to: 30, by: 5) {
      let batch = Batch(world.examples, at: Array(start..<start + 5))
      _ = try distiller.loss(batch, progress: 0, in: .inference)
    }
    #expect(runs == 4)
  }

  /// Answers are looked up by an example's place in its own task's data.
  @Test func eachTaskHasAnswersOfItsOwn() throws {
    let world = try CacheWorld()
    let numbers = try CacheWorld(count: 20, teacherSeed: 4)
    let (one, two) = (try world.build(), try numbers.build())
    func distiller(_ answers: [TeacherCacheFile?]) throws -> MultiTaskDistiller {
      let base = try world.student()
      let names = ["mood", "tone"]
      return try MultiTaskDistiller(
        zip(names, [world, numbers]).enumerated().map { index, task in
          DistillationTask(
            task.0,
            objective: try GeneralDistiller(
              DistillationConfig(temperature: 2),
              teacher: try answers[index].map { try StoredTeacher($0) } ?? LiveTeacher(task.1.teacher),
              student: try world.student(seed: UInt64(2 + index)).sharingEncoder(
                of: base, headPrefix: "heads.\(index)"), projectionPrefix: "projections.\(index)"),
            examples: task.1.examples)
        })
    }
    let (asked, kept) = (try distiller([nil, nil]), try distiller([one, two]))
    let config = CacheWorld.training()
    for batch in asked.data(config).batches(0) {
      let batch = try asked.data(config).batch(batch)
      let (a, b) = (
        try asked.loss(batch, progress: 0, in: .inference), try kept.loss(batch, progress: 0, in: .inference)
      )
      #expect(abs(a.total.item - b.total.item) < 1e-5 * max(1, abs(a.total.item)))
    }
    try kept.train(config: config)
    let swapped = try distiller([two, one])
    #expect(message { try swapped.train(config: config) }.contains("it was built over other texts"))
  }
}
