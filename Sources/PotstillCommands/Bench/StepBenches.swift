import ArgumentParser
import Distillation
import Encoders
import TaskData
import Tensors
import Training

/// `potstill bench train-step`.
struct TrainStepBench: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "train-step",
    abstract: "Forward, backward, clipping and AdamW of a classifier with its dropout.")

  @Option(help: ArgumentHelp("The model: \(BenchShape.names), or a folder.", valueName: "shape"))
  var shape = "minilm-l6"

  @OptionGroup var bench: BenchOptions

  mutating func run(_ console: Console) throws {
    try bench.general.apply(to: console)
    let shape = try BenchShape(shape)
    let lengths = try bench.batches(longest: shape.config.maxPositions)
    let clock = BenchClock(bench)
    try runSteps(
      of: SupervisedObjective(shape.model(seed: 1)), lengths: lengths,
      vocabularySize: shape.config.vocabularySize, clock: clock)
    let report = clock.report("train-step", shape: shape.name, options: bench, lengths: lengths) {
      3 * shape.forwardOperations(lengths: $0)
    }
    console.result(report, json: bench.json)
  }
}

/// `potstill bench distill-step`.
struct DistillStepBench: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "distill-step",
    abstract: "A student's training step with the teacher's forward pass and the losses between them.")

  @Option(help: ArgumentHelp("The teacher: \(BenchShape.names), or a folder.", valueName: "shape"))
  var teacher = "bert-base"

  @Option(help: ArgumentHelp("The student: \(BenchShape.names), or a folder.", valueName: "shape"))
  var shape = "t4-tiny"

  @Option(help: ArgumentHelp("Matches between layers: a preset, or none.", valueName: "preset"))
  var match = "L4t_hidden_mse"

  @OptionGroup var bench: BenchOptions

  mutating func run(_ console: Console) throws {
    try bench.general.apply(to: console)
    let (teacher, student) = (try BenchShape(teacher), try BenchShape(shape))
    let lengths = try bench.batches(
      longest: min(teacher.config.maxPositions, student.config.maxPositions))
    let config = DistillationConfig(matches: match == "none" ? [] : [.preset(match)])
    let distiller = try GeneralDistiller(
      config, teacher: teacher.model(seed: 1), student: student.model(seed: 2))
    let clock = BenchClock(bench)
    try runSteps(
      of: distiller, lengths: lengths,
      vocabularySize: min(teacher.config.vocabularySize, student.config.vocabularySize), clock: clock)
    let report = clock.report(
      "distill-step", shape: "\(teacher.name) to \(student.name)", options: bench, lengths: lengths
    ) {
      teacher.forwardOperations(lengths: $0) + 3 * student.forwardOperations(lengths: $0)
    }
    console.result(report, json: bench.json)
  }
}

/// `potstill bench infer`.
struct InferBench: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "infer", abstract: "A classifier's forward pass.")

  @Option(help: ArgumentHelp("The model: \(BenchShape.names), or a folder.", valueName: "shape"))
  var shape = "minilm-l6"

  @OptionGroup var bench: BenchOptions

  mutating func run(_ console: Console) throws {
    try bench.general.apply(to: console)
    let shape = try BenchShape(shape)
    let lengths = try bench.batches(longest: shape.config.maxPositions)
    let batches = lengths.map { batch(lengths: $0, vocabularySize: shape.config.vocabularySize).tokens }
    let model = try shape.model(seed: 1)
    let clock = BenchClock(bench)
    clock.begin()
    for batch in batches {
      _ = model(batch, in: .inference).logits.values
      clock.stepDone()
    }
    let report = clock.report("infer", shape: shape.name, options: bench, lengths: lengths) {
      shape.forwardOperations(lengths: $0)
    }
    console.result(report, json: bench.json)
  }
}

/// Runs an objective over one batch after the other in the loop that `train` and `distill` use.
private func runSteps(
  of objective: any TrainingObjective, lengths: [[Int]], vocabularySize: Int, clock: BenchClock
) throws {
  let batches = lengths.map { batch(lengths: $0, vocabularySize: vocabularySize) }
  let data = TrainingData(
    exampleCount: lengths.reduce(0) { $0 + $1.count },
    batches: { _ in batches.indices.map { [$0] } }, batch: { batches[$0[0]] })
  var config = TrainingConfig()
  config.maxSteps = batches.count
  config.saveStrategy = .never
  config.evalStrategy = .never
  config.loadBestModelAtEnd = false
  _ = try TrainingLoop(config: config, objective: objective, data: data, observers: [clock]).run()
}

/// Sequences of these lengths: ids spread over the vocabulary, labels by turns.
private func batch(lengths: [Int], vocabularySize: Int) -> LabeledBatch {
  var state: UInt64 = 1
  let examples = lengths.enumerated().map { index, length in
    let ids = (0..<length).map { _ -> Int32 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int32(Int(state >> 33) % vocabularySize)
    }
    return EncodedExample(
      ids: ids, segments: [Int32](repeating: 0, count: length), label: Int32(index % 2))
  }
  return LabeledBatch(examples, at: Array(examples.indices))
}
