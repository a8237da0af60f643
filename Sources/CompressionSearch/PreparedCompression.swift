import Compression
import Datasets
public import Distillation
import Encoders
import Evaluation
import Foundation
import Kernels
public import ModelFormats
import Tasks
import Tokenization
import Training

/// Compression whose model and data were read and whose steps were planned: the plan, and the run itself.
public final class PreparedCompression {
  /// The job.
  public let job: CompressionJob
  /// Plan of what it will do and need.
  public let plan: CompressionPlan

  private let model: TokenizedModel
  private let rows: RunRows
  private let validation: EvaluationData
  private let task: JobTask
  private let metric: String
  private let listener: any WorkListener
  private var folder: CompressionFolder?

  /// Most rows by which parts are measured, and single rows are timed.
  private static let mostRows = 512
  /// Most rows of a matrix' sensitivity.
  private static let sensitivityRows = 64

  init(_ job: CompressionJob, _ listener: any WorkListener, isDryRun: Bool) throws {
    (self.job, self.listener) = (job, listener)
    task = job.distillation.tasks[0]
    let reader = TaskReader(
      task: task.definition, folder: URL(filePath: task.data, directoryHint: .isDirectory),
      badRows: task.skipsBadRows ? .skip : .fail)
    guard task.definition.hasValidation, let metric = task.definition.metrics.first else {
      throw TaskError(
        "compress measures every model, but the task \(task.name) has no validation rows; give --validation-file"
      )
    }
    let chosen = job.distillation.training.metricForBestModel ?? metric
    self.metric = chosen == "loss" ? metric : chosen
    folder =
      try isDryRun
      ? nil
      : job.output.map {
        try CompressionFolder($0, settings: try job.settings(), overwrites: job.overwritesOutput)
      }
    model = try TokenizedModel(
      job.model, for: task.definition.kind, allowsNonFinite: job.distillation.allowsNonFinite,
      listener: listener)
    if model.model.isQuantized {
      throw TaskError("\(job.model) is a model of 8-bit integers; give the float model that it was made of")
    }
    if job.steps.contains(where: { $0.kind == .int8 }) {
      try model.model.checkQuantizable(keeping: job.keeping)
    }
    rows = try RunRows(
      reader, maxTrain: job.distillation.maxTrainSamples, maxValidation: job.distillation.maxEvalSamples,
      readsUnlabelled: true, listener: listener)
    guard let validation = rows.validation, validation.labelledCount > 0, rows.train.count > 0 else {
      throw TaskError("compress needs training rows, and validation rows with labels to measure models on")
    }
    self.validation = EvaluationData(task: task.definition, examples: validation)
    let sample = try model.encode(rows.train.evenSample(Self.mostRows), of: task.definition)
    let speed = InferenceSpeed(of: model.model, on: sample, singles: 1, sequences: 128)
    let planner = CompressionPlanner(
      job: Self.keepingAmounts(job, folder), model: model, rows: CompressionRows(sample.examples),
      texts: job.steps.contains { $0.kind == .vocab } ? rows.train.plainTexts : [],
      secondsPerRow: 1 / speed.samplesPerSecond, trainingRows: rows.train.count,
      validationRows: validation.count)
    plan = try planner.plan()
  }

  /// The job with the amounts by which a compression that goes on was begun: a time that is measured anew must not change them.
  private static func keepingAmounts(_ job: CompressionJob, _ folder: CompressionFolder?) -> CompressionJob {
    guard let amounts = folder?.amounts else { return job }
    var job = job
    let integers = job.steps.filter { $0.kind == .int8 }
    let known = amounts.compactMap { try? CompressionStep($0) }
    if known.map(\.kind) == job.steps.map(\.kind).filter({ $0 != .int8 }) { job.steps = known + integers }
    return job
  }

  /// A sample of the training rows as a model reads them.
  private static func sample(
    _ rows: RunRows, as model: TokenizedModel, _ task: TaskDefinition
  ) throws -> CompressionRows {
    CompressionRows(try model.encode(rows.train.evenSample(mostRows), of: task).examples)
  }

  // MARK: The run

  /// Results of a compression.
  public struct Result {
    /// The folder.
    public let folder: URL
    /// The points, the model's own first.
    public let points: [CompressionPoint]
    /// Everything for machines.
    public let json: JSONValue
  }

  /// Makes and measures every point; what an earlier run of the same job finished is taken as it is.
  ///
  /// - Parameter train: Runs a distillation; for a program that shows progress and catches signals.
  /// - Throws: What cutting, distilling, measuring and writing throw; the folder then goes on where it stands.
  public func run(
    train: (PreparedJob) throws -> JobResult = { try $0.run() }
  ) throws -> Result {
    guard let place = folder?.url else {
      throw CompressionError.faults([
        Fault("output", "is missing; a compression that runs needs the path of its folder")
      ])
    }
    try update { try $0.open() }
    defer { folder?.release() }
    let record = ProvenanceRecord(
      in: place, of: [ProvenanceInput("model", job.model)] + job.distillation.provenance,
      seeds: job.distillation.seeds, by: listener.invocation)
    try record.begin(goingOnFrom: folder?.points.isEmpty == false ? try? Provenance(of: place) : nil)
    try update { try $0.begin(plan) }
    try point(CompressionPoint.modelName, steps: []) { (model, job.model, []) }
    try addIntegers(of: CompressionPoint.modelName, steps: [])
    var (current, steps) = (job.model, [String]())
    for (index, step) in plan.steps.enumerated() {
      steps.append(step.step.description)
      try point(step.name, steps: steps) {
        let notes = try make(step, at: index, of: current, train: train)
        let url = place.appending(path: step.name, directoryHint: .isDirectory)
        return (try load(url.relativePath), url.relativePath, notes)
      }
      try folder?.removeWork(step.name)
      try addIntegers(of: step.name, steps: steps)
      current = place.appending(path: step.name).relativePath
    }
    try update { try $0.finish(keepsAll: job.keepsAll) }
    try record.finish()
    guard let folder else { preconditionFailure("A compression that ran has its folder.") }
    return Result(folder: place, points: folder.points, json: .object(folder.json))
  }

  private func update(_ body: (inout CompressionFolder) throws -> Void) throws {
    guard var changed = folder else { preconditionFailure("A compression that runs has its folder.") }
    try body(&changed)
    folder = changed
  }

  private func load(_ path: String) throws -> TokenizedModel {
    try TokenizedModel(
      path, for: task.definition.kind, allowsNonFinite: job.distillation.allowsNonFinite, listener: listener)
  }

  /// Makes and measures a point, unless it is finished or nothing is made.
  private func point(
    _ name: String, steps: [String],
    _ make: () throws -> (model: TokenizedModel, path: String, notes: [String])?
  ) throws {
    if folder?.point(name) != nil {
      if name != CompressionPoint.modelName { listener.note("\(name): finished before") }
      return
    }
    let start = ContinuousClock.now
    if name != CompressionPoint.modelName { listener.note("\(name): \(steps.last ?? "")") }
    guard let made = try make() else { return }
    let measured = try ModelMeasurement(of: made.model, on: validation, listener: listener)
    guard measured.metrics.contains(where: { $0.name == metric }) else {
      throw TaskError(
        "metric_for_best_model \(metric): the validation rows give \(measured.metrics.map(\.name).joined(separator: ", "))"
      )
    }
    let point = CompressionPoint(
      name, steps: steps, measured, deciding: metric, folder: made.path,
      notes: made.notes)
    if name != CompressionPoint.modelName {
      guard let whole = folder?.point(CompressionPoint.modelName) else {
        preconditionFailure("The model itself is measured before what is made of it.")
      }
      try CompressionCard(job: job, whole: whole)
        .write(point, made.model.model, measured.evaluation?.result, to: URL(filePath: made.path))
      try Provenance.restate([ModelCard.fileName], in: URL(filePath: made.path))
    }
    try update { try $0.add(point, seconds: (ContinuousClock.now - start) / .seconds(1)) }
    listener.note("\(name): \(point.summary)")
  }

  /// Cuts a model, once or in several cuts, and distils after each; the last lies in the step's folder.
  private func make(
    _ step: CompressionPlan.Step, at index: Int, of path: String, train: (PreparedJob) throws -> JobResult
  ) throws -> [String] {
    guard let folder else { preconditionFailure("A compression that runs has its folder.") }
    let work = folder.work.appending(path: step.name, directoryHint: .isDirectory)
    var (current, notes) = (path, [String]())
    for (number, sizes) in zip(1..., step.cuts) {
      let isLast = number == step.cuts.count
      let start = work.appending(path: "cut-\(number)", directoryHint: .isDirectory)
      let trained =
        isLast
        ? folder.folder(of: step.name)
        : work.appending(path: "distilled-\(number)", directoryHint: .isDirectory)
      let notesFile = work.appending(path: "cut-\(number).json")
      if let known = try? JSONValue(contentsOf: notesFile).arrayValue {
        notes = known.compactMap(\.stringValue)
      } else {
        let cut = try self.cut(step.step, to: sizes, of: try load(current))
        notes = cut.reports.flatMap(\.notes)
        try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
        try cut.model.save(to: start, tokenizer: cut.tokenizer ?? model.tokenizer)
        try JSONValue.array(notes.map(JSONValue.string)).write(to: notesFile)
        for report in cut.reports { listener.note("\(report)") }
      }
      if job.distils {
        // What a run writes is no sign that it was finished.
        let mark = work.appending(path: "distilled-\(number).json")
        if (try? JSONValue(contentsOf: mark)) == nil {
          try distil(start, into: trained, as: step, at: index, train: train)
          try JSONValue.bool(true).write(to: mark)
        }
      } else if isLast {
        try load(start.relativePath).save(to: trained)
      }
      current = job.distils || isLast ? trained.relativePath : start.relativePath
    }
    return notes
  }

  private func cut(
    _ step: CompressionStep, to sizes: PrunedSizes?, of model: TokenizedModel
  ) throws -> CompressedModel {
    let whole = CompressedModel(model.model, tokenizer: model.tokenizer)
    let measure = job.measure ?? (rows.train.labelledCount > 0 ? .labels : .logits)
    if let sizes {
      let pruning = StructuredPruning(to: .sizes(sizes), by: measure, form: job.prunedForm)
      return try pruning(whole, rows: try Self.sample(rows, as: model, task.definition))
    }
    let ways = CompressionWays(measure: measure, form: job.prunedForm, texts: rows.train.plainTexts)
    return try whole.applying(try [step].methods(ways)) { _ in
      try Self.sample(rows, as: model, task.definition)
    }
  }

  /// Distils into a cut model, or goes on with it.
  private func distil(
    _ start: URL, into run: URL, as step: CompressionPlan.Step, at index: Int,
    train: (PreparedJob) throws -> JobResult
  ) throws {
    let share = try share(of: step, at: index) / Double(step.cuts.count)
    var distillation = job.distillation
    distillation.student = JobStudent(start.relativePath)
    distillation.output = run.relativePath
    distillation.overwritesOutput = true
    distillation.resumption = nil
    distillation.training.numTrainEpochs *= share
    distillation.featureStage?.numTrainEpochs *= share
    if distillation.training.maxSteps > 0 {
      distillation.training.maxSteps = max(1, Int(share * Double(distillation.training.maxSteps)))
    }
    var resumed = distillation
    resumed.resumption = JobResumption()
    if (try? resumed.resumption?.isInside(run.path)) == true { distillation = resumed }
    _ = try train(try distillation.prepare(listener))
  }

  /// The share of the epochs that the hours leave a step: that of the time left in the time that the rest would take.
  private func share(of step: CompressionPlan.Step, at index: Int) throws -> Double {
    guard let hours = job.hours, let folder else { return 1 }
    if let known = folder.shares[step.name] { return known }
    let rest = plan.steps[index...].reduce(0) { $0 + $1.seconds }
    let done = plan.steps[..<index].reduce(0) { $0 + $1.seconds * (folder.shares[$1.name] ?? 1) }
    // Once some steps are finished, their own time tells how good the estimate is.
    let pace = done > 0 ? max(0.2, folder.seconds / done) : 1
    let left = hours * 3600 * 0.95 - folder.seconds - plan.quantizationSeconds
    let share = min(1, max(0.01, left / max(1, rest * pace)))
    if share < 1 { listener.note("\(step.name): --hours leaves \(Int(100 * share)) % of the epochs") }
    try update { try $0.set(share: share, of: step.name) }
    return share
  }

  /// The same model in integers, as far as its score allows.
  private func addIntegers(of name: String, steps: [String]) throws {
    guard plan.quantizes, let before = folder?.point(name), let place = folder?.url else { return }
    let own = name + "-int8"
    guard folder?.point(own) == nil, folder?.leftOut.contains(own) == false else { return }
    let float =
      name == CompressionPoint.modelName ? model : try load(place.appending(path: name).relativePath)
    var kept: [String]?
    try point(own, steps: steps + ["int8"]) {
      let encoded = try float.encode(validation.examples, of: task.definition)
      let rows = CompressionRows(
        try float.encode(self.rows.train.evenSample(Self.sensitivityRows), of: task.definition).examples)
      let search = QuantizationSearch(
        maxDrop: job.maxDrop * task.definition.kind.family.scoreScale, keeping: job.keeping)
      let found = try search(
        CompressedModel(float.model, tokenizer: float.tokenizer), before: before.score, rows: rows
      ) { model in
        let folder = TokenizedModel(path: own, model: model, tokenizer: float.tokenizer)
        let evaluation = try validation.evaluate(folder, encoded: encoded, listener: listener)
        return evaluation.result.metrics.first { $0.name == metric }?.value ?? -.infinity
      }
      kept = found.kept
      guard let small = found.model else { return nil }
      let url = place.appending(path: own, directoryHint: .isDirectory)
      let made = TokenizedModel(path: url.relativePath, model: small.model, tokenizer: float.tokenizer)
      try made.save(to: url)
      let notes =
        found.kept.isEmpty
        ? [] : ["floats, since integers cost too much there: \(found.kept.joined(separator: ", "))"]
      return (made, url.relativePath, notes)
    }
    guard kept != nil, folder?.point(own) == nil else { return }
    listener.warn(
      "\(own): no matrix can be integers without losing more than \(job.maxDrop) of \(metric); it is left out"
    )
    try update { try $0.leaveOut(own) }
  }
}

extension CompressionPoint {
  /// The point in a line.
  fileprivate var summary: String {
    let scores = scores.map { "\($0.name) \(($0.value * 10_000).rounded() / 10_000)" }.joined(separator: ", ")
    return
      "\(scores); \(megabytes(bytes)) MB, \((latency * 100).rounded() / 100) ms, \(grouped(Int(samplesPerSecond))) rows/s"
  }
}
