import ArgumentParser
import CommandOptions
import Datasets
import Distillation
import Encoders
import Foundation
import Tasks
import Tensors
import Terminal
import Training

/// Command `potstill bench train-step`.
struct TrainStepBench: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "train-step",
    abstract: "Forward, backward, clipping and AdamW of a classifier with its dropout.",
    usage: "potstill bench train-step [<options>]")

  @Option(help: ArgumentHelp("The model: \(BenchmarkShape.names), or a folder.", valueName: "shape"))
  var shape = "minilm-l6"

  @OptionGroup var bench: BenchOptions

  mutating func run(_ console: Console) throws {
    try bench.general.apply(to: console)
    let shape = try BenchmarkShape(shape, listener: console)
    let lengths = try bench.batches(longest: shape.config.maxPositions)
    let clock = BenchmarkClock(warmup: bench.warmup, profiles: bench.profile)
    try BenchmarkSteps(lengths: lengths, vocabularySize: shape.config.vocabularySize)
      .run(SupervisedObjective(shape.model(seed: 1, console)), clock: clock)
    let report = clock.report("train-step", shape: shape.name, batchSize: bench.batch, lengths: lengths) {
      3 * shape.forwardOperations(lengths: $0)
    }
    console.result(report, json: bench.json)
  }
}

/// Command `potstill bench distill-step`.
struct DistillStepBench: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "distill-step",
    abstract: "A student's training step with the teacher's forward pass and the losses between them.")

  @Option(help: ArgumentHelp("The teacher: \(BenchmarkShape.names), or a folder.", valueName: "shape"))
  var teacher = "bert-base"

  @Option(help: ArgumentHelp("The student: \(BenchmarkShape.names), or a folder.", valueName: "shape"))
  var shape = "t4-tiny"

  @Option(help: ArgumentHelp("Matches between layers: a preset, or none.", valueName: "preset"))
  var match = "L4t_hidden_mse"

  @Flag(
    help:
      "Take the teacher's answers from a file, as a run does from its second epoch on; the file is made before the clock starts."
  )
  var cached = false

  @Option(
    help: ArgumentHelp(
      "Numbers that the teacher's weights are held in, fp32 or int8; steps and answers of int8 are compared with those of fp32.",
      valueName: "precision"))
  var precision = BenchPrecision.fp32

  @OptionGroup var bench: BenchOptions

  mutating func run(_ console: Console) throws {
    try bench.general.apply(to: console)
    let (teacher, student) = (
      try BenchmarkShape(teacher, listener: console), try BenchmarkShape(shape, listener: console)
    )
    let lengths = try bench.batches(
      longest: min(teacher.config.maxPositions, student.config.maxPositions))
    let config = DistillationConfig(matches: match == "none" ? [] : [.preset(match)])
    let steps = BenchmarkSteps(
      lengths: lengths, vocabularySize: min(teacher.config.vocabularySize, student.config.vocabularySize))
    let file = FileManager.default.temporaryDirectory.appending(path: "potstill-bench-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    func run(_ asked: TaskModel, clock: BenchmarkClock) throws {
      let distiller = try GeneralDistiller(
        config, teacher: asked, student: student.model(seed: 2, console))
      if cached { try distiller.cacheTeacher(over: steps.examples, in: file) }
      try steps.run(distiller, clock: clock)
      if cached { try FileManager.default.removeItem(at: file) }
    }
    let whole = try teacher.model(seed: 1, console)
    let clock = BenchmarkClock(warmup: bench.warmup, profiles: bench.profile)
    let comparison: PrecisionComparison?
    switch precision {
    case .fp32:
      comparison = nil
      try run(whole, clock: clock)
    case .int8:
      let (small, floatClock) = (try whole.quantized(), BenchmarkClock(warmup: bench.warmup))
      try run(whole, clock: floatClock)
      try run(small, clock: clock)
      comparison = PrecisionComparison(
        of: whole, small, on: steps.batches.map(\.tokens), floatSeconds: floatClock.seconds)
    }
    var report = clock.report(
      "distill-step", shape: "\(teacher.name) to \(student.name)", batchSize: bench.batch, lengths: lengths
    ) {
      (cached ? 0 : teacher.forwardOperations(lengths: $0)) + 3 * student.forwardOperations(lengths: $0)
    }
    report.comparison = comparison
    console.result(report, json: bench.json)
  }
}

/// Numbers that a measured model's weights are held in.
enum BenchPrecision: String, CaseIterable, ExpressibleByArgument {
  case fp32
  case int8
}

/// Command `potstill bench infer`.
struct InferBench: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "infer", abstract: "A classifier's forward pass.", usage: "potstill bench infer [<options>]")

  @Option(help: ArgumentHelp("The model: \(BenchmarkShape.names), or a folder.", valueName: "shape"))
  var shape = "minilm-l6"

  @Option(
    help: ArgumentHelp(
      "Numbers that the weights are held in, fp32 or int8; int8 is compared with fp32.",
      valueName: "precision"))
  var precision = BenchPrecision.fp32

  @OptionGroup var bench: BenchOptions

  mutating func run(_ console: Console) throws {
    try bench.general.apply(to: console)
    let shape = try BenchmarkShape(shape, listener: console)
    let lengths = try bench.batches(longest: shape.config.maxPositions)
    let batches = BenchmarkSteps(lengths: lengths, vocabularySize: shape.config.vocabularySize).batches
    let model = try shape.model(seed: 1, console)
    let clock = BenchmarkClock(warmup: bench.warmup, profiles: bench.profile)
    let comparison: PrecisionComparison?
    switch precision {
    case .fp32:
      comparison = nil
      clock.begin()
      for batch in batches {
        _ = model(batch.tokens, in: .inference).logits.values
        clock.stepDone()
      }
    case .int8: comparison = try PrecisionComparison(of: model, on: batches.map(\.tokens), clock: clock)
    }
    var report = clock.report("infer", shape: shape.name, batchSize: bench.batch, lengths: lengths) {
      shape.forwardOperations(lengths: $0)
    }
    report.comparison = comparison
    console.result(report, json: bench.json)
  }
}

extension BenchmarkShape {
  /// A model of this shape.
  fileprivate func model(seed: UInt64, _ console: Console) throws -> TaskModel {
    try model(seed: seed, allowsNonFinite: console.allowsNonFinite, listener: console)
  }
}
