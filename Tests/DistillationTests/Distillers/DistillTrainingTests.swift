import Datasets
import Distillation
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Training

/// Whole runs on a toy: the student learns, resumes to the bit, and is exported without its projections.
@Suite struct DistillTrainingTests {
  /// Short random sequences; labels are those of the teacher, so there is something to imitate.
  private func examples(_ count: Int, labelled: Bool = false) -> [EncodedExample] {
    let random = RandomSource(seed: 9)
    return (0..<count).map { index in
      let length = 3 + index % 4
      let ids = (0..<length).map { Int32(5 + random.bits(at: UInt64(index * 8 + $0)) % 35) }
      return EncodedExample(
        ids: [2] + ids + [3], segments: [Int32](repeating: 0, count: length + 2),
        label: labelled ? Int32(index % 3) : EncodedExample.noLabel)
    }
  }

  private func training(epochs: Double) -> TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = 5e-3
    config.perDeviceTrainBatchSize = 8
    config.numTrainEpochs = epochs
    config.saveStrategy = .never
    return config
  }

  private func distiller(_ config: DistillationConfig, dropout: Float = 0) throws -> GeneralDistiller {
    try GeneralDistiller(
      config, teacher: try tinyModel(layers: 3, hidden: 12, heads: 3, seed: 1),
      student: try tinyModel(dropout: dropout, seed: 2))
  }

  @Test(arguments: [[], [MatchSource.map(.uniform)]])
  func theStudentComesCloserToTheTeacher(matches: [MatchSource]) throws {
    let distiller = try distiller(DistillationConfig(temperature: 2, kdLossType: .mse, matches: matches))
    let data = examples(64)
    let batch = Batch(data, at: Array(0..<64))
    let before = try distiller.loss(batch, progress: 0, in: .inference).parts[0].value
    let summary = try distiller.train(data, config: training(epochs: 20))
    let after = try distiller.loss(batch, progress: 0, in: .inference).parts[0].value
    #expect(summary.globalStep == 160)
    #expect(after < before / 4, "KD loss \(before) to \(after)")
  }

  @Test func cachingChangesNothingButTheTeachersRuns() throws {
    try FixedThreads.run {
      var config = DistillationConfig(temperature: 2)
      let plain = try distiller(config)
      config.cacheTeacherLogits = true
      let cached = try distiller(config)
      for distiller in [plain, cached] { _ = try distiller.train(examples(40), config: training(epochs: 3)) }
      #expect(cached.cache?.count == 40)
      for (a, b) in zip(plain.student.parameters, cached.student.parameters) {
        let largest = zip(a.values, b.values).map { abs($0 - $1) }.max() ?? 0
        #expect(largest < 1e-3, "\(a.name)")
      }
    }
  }

  @Test func projectionsAreKeptInCheckpointsButNotExported() throws {
    try FixedThreads.run {
      let folder = FileManager.default.temporaryDirectory.appending(path: "distil-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      let config = DistillationConfig(matches: [.map(.uniform)])
      var settings = training(epochs: 2)
      settings.saveStrategy = .steps
      settings.saveSteps = 5

      let whole = try distiller(config, dropout: 0.1)
      try whole.train(
        examples(40), config: settings,
        checkpoints: CheckpointFolder(folder, saveModel: { try whole.student.save(to: $0) }))
      let checkpoint = folder.appending(path: "checkpoint-5")
      let auxiliary = try SafetensorsFile(path: checkpoint.appending(path: "auxiliary.safetensors").path)
      #expect(
        Set(auxiliary.tensors.map(\.name))
          == Set(whole.projections.compactMap { $0 }.flatMap(\.parameters).map(\.name)))
      let exported = try SafetensorsFile(path: checkpoint.appending(path: "model.safetensors").path)
      #expect(exported.tensors.allSatisfy { !$0.name.hasPrefix("projections") })

      let resumed = try distiller(config, dropout: 0.1)
      try resumed.train(
        examples(40), config: settings,
        checkpoints: CheckpointFolder(folder, saveModel: { try resumed.student.save(to: $0) }),
        resumingFrom: .checkpoint(checkpoint))
      for (a, b) in zip(whole.groups.flatMap(\.parameters), resumed.groups.flatMap(\.parameters)) {
        #expect(a.values == b.values, "\(a.name)")
      }
    }
  }

  /// The weights of the layers, which move from batch to batch, are part of a checkpoint.
  @Test func transportResumesToTheBit() throws {
    try FixedThreads.run {
      let folder = FileManager.default.temporaryDirectory.appending(path: "distil-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      let config = DistillationConfig(matches: [.match(try #require(IntermediateMatch(.emd)))])
      var settings = training(epochs: 2)
      settings.saveStrategy = .steps
      settings.saveSteps = 5
      func run(from checkpoint: URL?) throws -> GeneralDistiller {
        let distiller = try distiller(config, dropout: 0.1)
        try distiller.train(
          examples(40), config: settings,
          checkpoints: CheckpointFolder(folder, saveModel: { try distiller.student.save(to: $0) }),
          resumingFrom: checkpoint.map { .checkpoint($0) })
        return distiller
      }
      let (whole, resumed) = (try run(from: nil), try run(from: folder.appending(path: "checkpoint-5")))
      let parameters = { (distiller: GeneralDistiller) in
        distiller.groups.flatMap(\.parameters) + distiller.state
      }
      #expect(whole.state.map(\.name) == ["projections.0.student_weights", "projections.0.teacher_weights"])
      #expect(Set(whole.state[1].values).count > 1)
      for (a, b) in zip(parameters(whole), parameters(resumed)) {
        #expect(a.values == b.values, "\(a.name)")
      }
    }
  }

  @Test func labelsThatAreAskedForMustBeThere() throws {
    let distiller = try distiller(DistillationConfig(hardLabelWeight: 1))
    #expect(throws: DistillationError.self) { try distiller.train(examples(8), config: training(epochs: 1)) }
    _ = try distiller.train(examples(8, labelled: true), config: training(epochs: 1))
  }

  @Test func evaluationsCannotAlterTraining() throws {
    try FixedThreads.run {
      let config = DistillationConfig(hardLabelWeight: 0.5, matches: [.map(.uniform)])
      let data = examples(40, labelled: true)
      var runs: [[[Float]]] = []
      for isEvaluated in [false, true] {
        let distiller = try distiller(config, dropout: 0.2)
        var settings = training(epochs: 2)
        if isEvaluated {
          settings.evalStrategy = .steps
          settings.evalSteps = 1
          settings.earlyStoppingPatience = 100
        }
        var evaluations = 0
        try distiller.train(
          data,
          score: {
            evaluations += 1
            return try evaluateClassifier(distiller.student, self.examples(7, labelled: true)).result
          }, config: settings)
        #expect(evaluations == (isEvaluated ? 10 : 0))
        runs.append(distiller.groups.flatMap(\.parameters).map(\.values))
      }
      #expect(runs[0] == runs[1])
    }
  }

  @Test func layersThatAreComputedAgainTeachTheSame() throws {
    try FixedThreads.run {
      let runs = try [false, true].map { again in
        var config = training(epochs: 2)
        config.gradientCheckpointing = again
        let attention = IntermediateMatch(teacherLayer: 2, studentLayer: 1, loss: .attentionMSESum)
        let distiller = try distiller(
          DistillationConfig(matches: [.match(attention), .map(.uniform)]), dropout: 0.2)
        try distiller.train(examples(32), config: config)
        return distiller.student.parameters.map(\.values)
      }
      #expect(runs[0] == runs[1])
      #expect(try runs[0] != tinyModel(dropout: 0.2, seed: 2).parameters.map(\.values))
    }
  }
}
