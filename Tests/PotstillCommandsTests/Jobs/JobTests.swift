import Datasets
import Distillation
import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tasks
import TestSupport
import Testing
import Training

/// `DistillationJob`: what the commands do, for Swift users.
@Suite struct JobTests {
  let world: TinyWorld

  init() throws { world = try TinyWorld() }

  /// A listener that counts what a job does, and keeps what it says.
  private final class Counter: WorkCounter {
    private(set) var works: [CountedWork: Int] = [:]
    private(set) var notes: [String] = []
    private(set) var warnings: [String] = []

    func warn(_ text: String) { warnings.append(text) }
    func count(_ work: CountedWork) { works[work, default: 0] += 1 }
    func note(_ text: String) { notes.append(text) }

    func count(where isMeant: (CountedWork) -> Bool) -> Int {
      works.filter { isMeant($0.key) }.reduce(0) { $0 + $1.value }
    }

    var tokenizedValidation: Int {
      count { if case .tokenized("validation", _) = $0 { true } else { false } }
    }
    var tokenizedTraining: Int { count { if case .tokenized("train", _) = $0 { true } else { false } } }
    var distillers: Int { count { if case .builtDistiller = $0 { true } else { false } } }
  }

  /// An observer that keeps the evaluations of the loop.
  private final class Evaluations: TrainingObserver {
    private(set) var results: [EvaluationResult] = []
    private(set) var best: EvaluationResult?
    private(set) var summary: TrainingSummary?

    func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) {
      results.append(result)
      if isBest { best = result }
    }
    func finished(_ summary: TrainingSummary) { self.summary = summary }
  }

  /// An observer that removes files after the first step, as somebody who tidies up.
  private final class Remover: TrainingObserver {
    private let files: [String]

    init(_ files: [String]) { self.files = files }

    func stepDone(_ progress: TrainingProgress) throws {
      guard progress.step == 1 else { return }
      for file in files { try FileManager.default.removeItem(atPath: file) }
    }
  }

  private func job(_ output: String?) throws -> DistillationJob {
    var task = JobTask(
      try TaskDefinition(contentsOf: URL(filePath: world.path("tiny.yaml"))), data: world.path("data"))
    task.teachers = [JobTeacher(world.path("base"))]
    task.distillation = DistillationConfig(
      hardLabelWeight: 1, matches: [.map(.uniform, loss: .hiddenMSE, weight: 1, projection: nil)])
    var job = try DistillationJob(task, student: JobStudent("T1"), output: output.map { world.path($0) })
    job.training.numTrainEpochs = 3
    job.training.learningRate = 1e-3
    return job
  }

  @Test func everythingIsDoneOnce() throws {
    var job = try job("out")
    job.tasks[0].keepsAnswers = true
    let counter = Counter()
    let evaluations = Evaluations()
    let prepared = try job.prepare(counter)
    let result = try prepared.run(observers: [evaluations])
    #expect(counter.distillers == 1)
    #expect(prepared.teacherHashes == 1)
    #expect(counter.tokenizedTraining == 1)
    #expect(counter.tokenizedValidation == 1)
    // The teacher is checked before the first step; the student's last evaluation is that of the last epoch.
    #expect(evaluations.results.count == 3)
    #expect(counter.works[.evaluated(world.path("base"))] == 1)
    #expect(counter.count { if case .evaluated = $0 { true } else { false } } == 1)
    #expect(result.tables.map(\.rows.count) == [2])
    #expect(!FileManager.default.fileExists(atPath: world.path("out/" + TeacherCacheFile.fileName)))
  }

  @Test("files of a run that go meanwhile are told of, and the recipe is written again")
  func filesThatGo() throws {
    let counter = Counter()
    let files = ["job.json", "metrics.jsonl"].map { world.path("out/" + $0) }
    _ = try job("out").prepare(counter).run(observers: [Remover(files)])
    #expect(
      counter.warnings.contains {
        $0.hasPrefix("job.json, metrics.jsonl of ") && $0.contains("written again")
      },
      "\(counter.warnings)")
    #expect(FileManager.default.fileExists(atPath: files[0]))
  }

  /// A cache that is there is compared with its teacher once, in however many stages.
  @Test func teachersAreHashedOnceInTwoStages() throws {
    let reader = TaskReader(
      task: try TaskDefinition(contentsOf: URL(filePath: world.path("tiny.yaml"))),
      folder: URL(filePath: world.path("data")))
    var cache = TeacherCacheJob(reader, teacher: world.path("base"), output: world.path("answers"))
    cache.hiddenStates = "0,1,2"
    try cache.prepare().run()
    var job = try job("staged")
    job.tasks[0].teachers = [JobTeacher(world.path("base"), cache: world.path("answers"))]
    job.featureStage = FeatureStage(numTrainEpochs: 1)
    job.hasBaseline = true
    let counter = Counter()
    let prepared = try job.prepare(counter)
    let result = try prepared.run()
    // One for each stage, and one for the baseline.
    #expect(counter.distillers == 3)
    #expect(prepared.teacherHashes == 1)
    #expect(counter.tokenizedTraining == 1)
    #expect(counter.tokenizedValidation == 1)
    #expect(result.tables.map(\.rows.count) == [3])
    #expect(counter.notes.contains("stage 1 of 2: features"))
  }

  @Test func closingScoresAreThoseOfTheBestEvaluation() throws {
    var job = try job("best")
    // Steps that go far beyond what was learnt make the last evaluation another than the best.
    job.training.learningRate = 0.05
    job.training.numTrainEpochs = 6
    let counter = Counter()
    let evaluations = Evaluations()
    let result = try job.prepare(counter).run(observers: [evaluations])
    let best = try #require(evaluations.best)
    #expect(evaluations.summary?.holdsBestWeights == true)
    #expect(counter.works[.evaluated(world.path("best"))] == nil)
    #expect(result.results["eval_loss"]?.doubleValue == best.loss)
    for metric in best.metrics {
      #expect(result.results["eval_" + metric.name]?.doubleValue == metric.value)
    }
    // The saved student gives these scores.
    let student = try TokenizedModel(world.path("best"), for: .classification)
    let again = try EvaluationData(job.tasks[0].readerOfTests, split: .validation).evaluate(student)
    #expect(abs((again.result.loss ?? .nan) - (best.loss ?? 0)) < 1e-6, "last bits of a batch")
  }

  @Test func doesWhatTheCommandDoes() throws {
    try FixedThreads.run {
      let run = potstill([
        "distill", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--teacher",
        world.path("base"), "--student", "T1", "--match", "uniform", "--hard-label-weight", "1",
        "--num-train-epochs", "3", "--learning-rate", "1e-3", "--no-cache-teacher-logits", "--output",
        world.path("command"),
      ])
      try #require(run.code == 0, "\(run.messages)")
      var job = try job("library")
      job.tasks[0].keepsAnswers = false
      try job.prepare().run()
      for file in ["model.safetensors", "config.json", "tokenizer.json", "eval_predictions.tsv"] {
        let pair = try ["command", "library"].map {
          try Data(contentsOf: URL(filePath: world.path("\($0)/\(file)")))
        }
        #expect(pair[0] == pair[1], "\(file)")
      }
      #expect(FileManager.default.fileExists(atPath: world.path("library/job.json")))
    }
  }

  @Test func aTaskWithoutTeacherIsTrained() throws {
    var job = try job("trained")
    job.tasks[0].teachers = []
    job.student = JobStudent(world.path("base"))
    let prepared = try job.prepare()
    #expect(prepared.plan.lines.contains("loss     1 × labels, no teacher"))
    let result = try prepared.run()
    #expect(result.tables.isEmpty)
    #expect(result.results["eval_accuracy"]?.doubleValue != nil)
    #expect(FileManager.default.fileExists(atPath: world.path("trained/model.safetensors")))
  }

  @Test func isWrittenAndReadAgain() throws {
    var job = try job("out")
    job.tasks[0].augmentation = JobAugmentation(amount: .copies(2), seed: 7)
    job.student.size.hiddenSize = 8
    job.featureStage = FeatureStage(numTrainEpochs: 2, warmupRatio: 0.1)
    job.theseus = TheseusConfig(schedulerLinearK: 0.5)
    job.maxCacheGB = 1.5
    job.hasBaseline = true
    let data = try JSONEncoder().encode(job)
    #expect(try JSONDecoder().decode(DistillationJob.self, from: data) == job)
  }

  @Test func faultsComeTogether() throws {
    var job = try job(nil)
    job.tasks.append(job.tasks[0])
    job.tasks[1].teachers = [JobTeacher(), JobTeacher("b")]
    job.isMultitask = true
    job.theseus = TheseusConfig()
    let error = try #require(throws: DistillationError.self) { try job.prepare() }
    for text in ["tasks[1].teachers: found 2", "theseus: goes with one task", "tasks[1].teachers[0]"] {
      #expect("\(error)".contains(text), "\(error)")
    }
  }

  @Test func aPlanNeedsNoFolder() throws {
    let prepared = try job(nil).prepare()
    #expect(prepared.plan.lines.contains { $0.hasPrefix("steps") })
    #expect(throws: DistillationError.self) { try prepared.run() }
  }
}

extension JobTask {
  fileprivate var readerOfTests: TaskReader {
    TaskReader(task: definition, folder: URL(filePath: data))
  }
}
