import Datasets
import Distillation
import Encoders
import Foundation
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// What a cache on disk gives back, and what students learn from it.
@Suite struct TeacherCacheTests {
  /// Half precision keeps 11 bits.
  private static let halfRounding: Float = 0x1p-11

  @Test(arguments: [nil, "token", "answer"])
  func logitsComeBackToTheBitAndLayersWithinTheirRounding(head: String?) throws {
    let world = try CacheWorld(head: head)
    let last = world.teacher.config.layerCount
    try FixedThreads.run {
      // One batch: the last bits of a product depend on its rows.
      let cache = try world.build(hidden: [0, last], tokensPerBatch: 10_000)
      let order = BatchSampler(world.examples, size: .tokens(10_000)).evaluationBatches()[0]
      let batch = Batch(world.examples, at: order)
      let names = [0: "embeddings", last: "encoder.layer.\(last - 1)"]
      let expected = try LiveTeacher(world.teacher).answers(
        to: batch, wanting: AnswerRequest(taps: Set(names.values)))
      let found = try cache.answers(to: order, starts: batch.tokens.starts)
      #expect(found.logits.map(\.shape) == expected.logits.map(\.shape))
      #expect(found.logits.map(\.values) == expected.logits.map(\.values))
      #expect(Set(found.values.keys) == Set(names.values))
      for name in names.values {
        let (a, b) = (try found.value(name).values, try expected.value(name).values)
        #expect(a.count == b.count && a != b)
        for (x, y) in zip(a, b) { #expect(abs(x - y) <= max(abs(y), 0x1p-14) * Self.halfRounding) }
      }
      // In any company and order.
      let few = [order[5], order[0], order[5], order[17]]
      let other = Batch(world.examples, at: few)
      let again = try cache.answers(to: few, starts: other.tokens.starts)
      let rows = few.flatMap { Array(batch.tokens.rows(of: order.firstIndex(of: $0) ?? 0)).map { Int32($0) } }
      let name = try #require(names[last])
      #expect(try again.value(name).values == found.value(name).rows(at: rows).values)
      // What is not wanted is not read.
      let one = try StoredTeacher(cache).answers(
        to: batch, wanting: AnswerRequest(logits: false, taps: [name]))
      #expect(one.logits.isEmpty && Array(one.values.keys) == [name])
      #expect(try one.value(name).values == found.value(name).values)
    }
  }

  @Test func firstRowsAloneServeTheLossesThatReadNoOthers() throws {
    let world = try CacheWorld()
    let matches = [
      IntermediateMatch(teacherLayer: 3, studentLayer: 2, loss: .pkd, projection: ProjectionConfig()),
      IntermediateMatch(teacherLayer: 1, studentLayer: 1, loss: .rkdAngle),
    ]
    let config = DistillationConfig(temperature: 2, intermediateMatches: matches)
    let plain = try GeneralDistiller(config, teacher: world.teacher, student: try world.student())
    let cached = try GeneralDistiller(config, teacher: world.teacher, student: try world.student())
    let file = try cached.cacheTeacher(over: world.examples, in: world.file)
    #expect(cached.cachedParts.filter { $0.kind == .hidden }.allSatisfy { $0.hasOneRow })
    #expect(file.description.byteCount < 30 * (12 + 3 * 4 + 2 * 12 * 2 + 8))
    for indices in [[0, 1, 2, 3], [29, 4, 11]] {
      let batch = Batch(world.examples, at: indices)
      let (a, b) = (
        try plain.loss(batch, progress: 0, in: .inference),
        try cached.loss(batch, progress: 0, in: .inference)
      )
      for (x, y) in zip(a.parts, b.parts) {
        #expect(abs(x.value - y.value) < 2e-3 * max(1, abs(x.value)), "\(x.name)")
      }
    }
  }

  @Test(arguments: [nil, "token", "answer"])
  func aRunWithACacheIsTheRunWithoutOne(head: String?) throws {
    let world = try CacheWorld(head: head)
    let last = world.teacher.config.layerCount
    for match in [
      nil, IntermediateMatch(teacherLayer: last, studentLayer: 1, projection: ProjectionConfig()),
    ] {
      var config = DistillationConfig(temperature: 2)
      config.matches = match.map { [.match($0)] } ?? []
      var losses: [[Double]] = []
      for isCached in [false, true] {
        let log = LossLog()
        let distiller = try GeneralDistiller(config, teacher: world.teacher, student: try world.student(head))
        if isCached { try distiller.cacheTeacher(over: world.examples, in: world.file) }
        try distiller.train(world.examples, config: CacheWorld.training(epochs: 3), observers: [log])
        losses.append(log.losses)
      }
      #expect(losses[0].count == 12)
      // Logits differ in the last bits by the company they were computed in, layers by half precision.
      let tolerance = match == nil ? 1e-4 : 2e-3
      for (a, b) in zip(losses[0], losses[1]) { #expect(abs(a - b) < tolerance * max(1, a), "\(a) \(b)") }
    }
  }

  @Test func attentionAndRelationsAreProductsOfWhatIsKept() throws {
    let world = try CacheWorld()
    let matches = [
      IntermediateMatch(teacherLayer: 3, studentLayer: 2, loss: .minilmv2),
      IntermediateMatch(teacherLayer: 2, studentLayer: 1, loss: .minilm),
      IntermediateMatch(teacherLayer: 1, studentLayer: 2, loss: .attentionCEMean),
      IntermediateMatch(teacherLayer: 3, studentLayer: 1, loss: .attentionMSESum),
      IntermediateMatch(teacherLayer: 2, studentLayer: 2, loss: .mmd),
      try #require(IntermediateMatch(.emd)),
    ]
    let config = DistillationConfig(temperature: 2, intermediateMatches: matches)
    let student = try tinyModel(layers: 2, hidden: 12, heads: 3, seed: 2)
    let plain = try GeneralDistiller(config, teacher: world.teacher, student: student)
    let cached = try GeneralDistiller(config, teacher: world.teacher, student: student)
    let file = try cached.cacheTeacher(over: world.examples, in: world.file)
    let count = { (kind: CachedPart.Kind) in file.description.parts.filter { $0.kind == kind }.map(\.index) }
    #expect(count(.query) == [0, 1, 2] && count(.key) == [0, 1, 2] && count(.value) == [1, 2])
    #expect(count(.hidden) == [0, 1, 2, 3])
    for indices in [[0, 1, 2, 3], [29, 4, 11], [7]] {
      let batch = Batch(world.examples, at: indices)
      let (a, b) = (
        try plain.loss(batch, progress: 0, in: .inference),
        try cached.loss(batch, progress: 0, in: .inference)
      )
      #expect(a.parts.map(\.name) == b.parts.map(\.name))
      for (x, y) in zip(a.parts, b.parts) {
        #expect(abs(x.value - y.value) < 3e-3 * max(1, abs(x.value)), "\(x) \(y)")
      }
    }
  }

  /// An example of two sequences has two first tokens, of which a file of one row an example would know one.
  @Test func bothFirstTokensOfAPairAreKept() throws {
    let folder = try TemporaryFolder()
    func model(_ layers: Int, seed: UInt64) throws -> TaskModel {
      var config = try tinyModel(layers: layers).config
      config.head = .sentenceSimilarity
      return try TaskModel(config: config, seed: seed)
    }
    let texts = CacheWorld.examples(20)
    let examples = (0..<10).map {
      EncodedExample(first: texts[2 * $0], second: texts[2 * $0 + 1], target: .none)
    }
    let config = DistillationConfig(matches: [.match(.init(teacherLayer: 3, studentLayer: 2, loss: .pkd))])
    let teacher = try model(3, seed: 1)
    let (plain, cached) = (
      try GeneralDistiller(config, teacher: teacher, student: try model(2, seed: 2)),
      try GeneralDistiller(config, teacher: teacher, student: try model(2, seed: 2))
    )
    try cached.cacheTeacher(over: examples, in: folder.url.appending(path: "teacher.cache"))
    let batch = Batch(examples, at: [3, 0, 9, 5])
    let losses = try [plain, cached].map { try $0.loss(batch, progress: 0, in: .inference).parts }
    #expect(losses[0].map(\.name) == losses[1].map(\.name) && losses[0].count >= 2)
    for (a, b) in zip(losses[0], losses[1]) { #expect(abs(a.value - b.value) < 1e-3 * max(1, abs(a.value))) }
  }

  @Test func studentsLearnWithoutTheTeacherAllFromOneFile() throws {
    let world = try CacheWorld()
    try FixedThreads.run {
      let config = DistillationConfig(
        temperature: 2, matches: [.match(.init(teacherLayer: 3, studentLayer: 2, loss: .mmd))])
      let with = try GeneralDistiller(config, teacher: world.teacher, student: try world.student())
      try with.cacheTeacher(over: world.examples, in: world.file, name: "models/big")
      try with.train(world.examples, config: CacheWorld.training())

      let file = try TeacherCacheFile(world.file)
      #expect(file.description.teacherName == "models/big")
      #expect(file.description.parameterCount == world.teacher.parameterCount)
      #expect(try file.description.config().labels == ["bad", "fine", "good"])
      let students = try [2, 2, 3].map { try world.student(seed: $0) }
      // Two at once, on maps of their own.
      for student in students {
        let distiller = try GeneralDistiller(
          config, teacher: StoredTeacher(try TeacherCacheFile(world.file)), student: student)
        #expect(distiller.teacher.model == nil)
        try distiller.train(world.examples, config: CacheWorld.training())
      }
      for (a, b) in zip(with.student.parameters, students[0].parameters) {
        #expect(a.values == b.values, "\(a.name)")
      }
      for (a, b) in zip(students[0].parameters, students[1].parameters) {
        #expect(a.values == b.values, "\(a.name)")
      }
      // Batches of another seed come in another order.
      let other = try GeneralDistiller(config, teacher: StoredTeacher(file), student: try world.student())
      try other.train(world.examples, config: CacheWorld.training(seed: 7))
      #expect(
        zip(other.student.parameters, students[0].parameters).contains {
          $0.values != $1.values
        })
    }
  }

  @Test func aCacheIsUsedAgainOrReplaced() throws {
    let world = try CacheWorld()
    func run(_ world: CacheWorld, in file: URL, layer: Int) throws -> Int {
      var asked = 0
      let distiller = try GeneralDistiller(
        DistillationConfig(matches: [.match(.init(teacherLayer: layer, studentLayer: 1, loss: .mmd))]),
        teacher: world.teacher,
        student: try world.student())
      try distiller.cacheTeacher(over: world.examples, in: file) { asked = $0 }
      return asked
    }
    #expect(try run(world, in: world.file, layer: 2) == 30)
    #expect(try run(world, in: world.file, layer: 2) == 0)
    #expect(try run(world, in: world.file, layer: 1) == 30)
    let (stranger, longer) = (try CacheWorld(teacherSeed: 5), try CacheWorld(count: 31))
    #expect(try run(stranger, in: world.file, layer: 1) == 30)
    #expect(try run(longer, in: world.file, layer: 1) == 31)
  }

  @Test func matchesThatCannotBeKeptAreNamed() throws {
    let world = try CacheWorld()
    let named = try GeneralDistiller(
      DistillationConfig(matches: [
        .custom(CustomMatch(teacherModule: "pooler", studentModule: "pooler", loss: .named(.mmd)))
      ]),
      teacher: world.teacher, student: try world.student())
    #expect(named.cacheObstacle?.contains("pooler") == true)
    #expect(throws: DistillationError.self) {
      try named.cacheTeacher(over: world.examples, in: world.file)
    }
    // In memory there is room for logits only.
    var config = DistillationConfig(matches: [.match(.init(teacherLayer: 1, studentLayer: 1, loss: .mmd))])
    config.cacheTeacherLogits = true
    let distiller = try GeneralDistiller(config, teacher: world.teacher, student: try world.student())
    #expect(throws: DistillationError.self) {
      try distiller.train(world.examples, config: CacheWorld.training())
    }
    try distiller.cacheTeacher(over: world.examples, in: world.file)
    try distiller.train(world.examples, config: CacheWorld.training())
  }
}

/// Keeps the loss of every step.
private final class LossLog: TrainingObserver {
  var losses: [Double] = []

  func stepDone(_ progress: TrainingProgress) { losses.append(progress.loss) }
}
