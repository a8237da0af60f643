import Cluster
import Datasets
import Foundation
import Kernels
import ModelFormats
import Tensors
import Tokenization

extension TrainingLoop {
  /// Makes one update of some micro-batches, of which each rank takes its share; or leaves it out, where its numbers are not finite
  /// and the settings say so.
  ///
  /// - Parameters:
  ///   - step: The updates done.
  ///   - epoch: The epoch, from 0.
  ///   - totalSteps: The updates of the run.
  ///   - microBatches: The examples of each micro-batch.
  ///   - factor: The schedule's factor on the learning rates.
  ///   - plateau: What evaluations have lowered the rates to; nil where they do not.
  ///   - isFirst: Whether no update has been made since the weights were loaded.
  func update(
    step: Int, epoch: Int, of totalSteps: Int, microBatches: [[Int]], optimizer: Optimizer, factor: Double,
    plateau: PlateauSchedule?, isFirst: Bool
  ) throws -> StepResult {
    var counts = (examples: 0, tokens: 0)
    let sums = GradientSum(optimizer.parameters, over: ranks)
    let kept = config.onNonFinite == .skip ? objective.state.map { $0.storage.copy() } : []
    func ownPart() throws -> (loss: LossPart, last: LastPass?) {
      let batches = try microBatches.map { try data.batch($0) }
      counts = (
        batches.reduce(0) { $0 + $1.count }, batches.reduce(0) { $0 + $1.tokens.tokenCount }
      )
      for batch in batches { chance.count(batch, as: objective.chance(of: batch)) }
      return try backward(
        pieces(of: batches), progress: Double(step) / Double(totalSteps), step: step, epoch: epoch,
        optimizer: optimizer, isFirst: isFirst)
    }
    var loss: LossPart
    var clock = PhaseClock()
    var gradients: [StepPhases.Gradient] = []
    if ranks.size == 1 {
      let own = try ownPart()
      loss = own.loss
      if let last = own.last {
        clock.run(last.backward)
        gradients = clock.gradients(of: optimizer.parameters)
      }
    } else {
      var last: LastPass?
      let all = try ranks.exchange {
        let own = try ownPart()
        last = own.last
        return own.loss.bytes(with: sums.parts(of: last?.tape))
      }.map { try LossPart.read($0) }
      loss = all.dropFirst().reduce(into: all[0].part) { $0.add($1.part) }
      // One rank's fault is everybody's: no gradients are summed, and all leave the update out.
      if loss.fault == nil { sums.run(all.map(\.passes)) { done in last?.backward(done) } }
    }
    let rates = { (rate: Double) in plateau?.rate(rate) ?? rate }
    let learningRate = rates(config.learningRate) * factor
    let norm = loss.fault == nil ? optimizer.gradientNorm() : .nan
    if loss.fault == nil, !norm.isFinite {
      loss.fault = NonFiniteStep(
        step: step + 1, epoch: epoch + 1, number: "the gradient norm is \(NonFiniteStep.text(norm))",
        facts: ["learning rate \(learningRate)"]
          + (optimizer.nonFiniteGradient.map { ["the first of them in \($0)"] } ?? []),
        rows: data.places(of: microBatches.flatMap { $0 }), parts: loss.parts, anomaly: loss.anomaly)
    }
    if let fault = loss.fault {
      optimizer.zeroGradients()
      // Weights that are not finite make no later update better.
      if config.onNonFinite == .stop || optimizer.nonFiniteParameter != nil {
        throw TrainingError.nonFinite(fault, advice: optimizer.adviceOnOverflow(isFirst: isFirst))
      }
      for (parameter, values) in zip(objective.state, kept) { parameter.storage.assign(values) }
    } else {
      try sayHarmless(loss.anomaly, step: step + 1)
      optimizer.step(
        factor: factor, gradientScale: Optimizer.clippingFactor(norm: norm, maximum: config.maxGradNorm),
        rates: rates)
      optimizer.zeroGradients()
      if let phases = clock.phases(gradients, examples: counts.examples) { phaseObserver?.measured(phases) }
    }
    return StepResult(
      loss: loss.fault == nil ? loss.loss : .nan, parts: loss.fault == nil ? loss.parts : [],
      gradientNorm: norm, learningRate: learningRate, examples: counts.examples, tokens: counts.tokens,
      fault: loss.fault)
  }

  /// The observer that wants to know the phases of updates.
  private var phaseObserver: (any StepPhaseObserver)? {
    observers.lazy.compactMap { $0 as? any StepPhaseObserver }.first
  }

  /// Piece of an update: what one rank computes at once.
  private struct Piece {
    let batch: Batch
    /// Place of its first sequence in the update, by which dropout is drawn.
    let firstRow: Int
    let rank: Int
    /// Number of its micro-batch in the update, from 1.
    let microBatch: Int
  }

  /// The micro-batches cut among the ranks, in the order of their rows; nobody has an empty piece.
  private func pieces(of batches: [Batch]) -> [Piece] {
    var pieces: [Piece] = []
    var nextRow = 0
    for (index, batch) in batches.enumerated() {
      for (rank, rows) in BatchShares(batch.starts, ranks: ranks.size).rows.enumerated() {
        let piece = ranks.size == 1 ? batch : batch[rows]
        if piece.count > 0 || ranks.size == 1 {
          pieces.append(Piece(batch: piece, firstRow: nextRow, rank: rank, microBatch: index + 1))
        }
        nextRow += piece.tokens.count
      }
    }
    return pieces
  }

  /// Last forward pass of this rank in an update, whose backward pass is still to come.
  private struct LastPass {
    let tape: Tape
    let loss: Tensor
    /// The weight of the piece in the update.
    let share: Double

    func backward(_ done: (GradientSlot) -> Void) {
      tape.backward(from: loss, scale: Float(share), done: done)
    }
  }

  /// The gradients of this rank's pieces, each weighed by its part of the whole update; returns its part of the loss.
  ///
  /// The last backward pass is left to the caller, who sends gradients meanwhile or takes its time, unless there is neither need, or
  /// somebody looks for what is not finite, of which all are told first.
  private func backward(
    _ pieces: [Piece], progress: Double, step: Int, epoch: Int, optimizer: Optimizer, isFirst: Bool
  ) throws -> (loss: LossPart, last: LastPass?) {
    let leavesLast = (ranks.size > 1 || phaseObserver != nil) && !config.detectsAnomaly
    var last: LastPass?
    // Means of the whole update are divided once, by counts of all pieces of all ranks, which each rank counts itself.
    try objective.prepare(for: pieces.map(\.batch))
    let weights = pieces.map { objective.weight(of: $0.batch) }
    let totalWeight = weights.reduce(0, +)
    var sum = LossPart()
    for (piece, weight) in zip(pieces, weights) where piece.rank == ranks.rank && weight > 0 {
      last?.backward { _ in }
      last = nil
      let watch = config.detectsAnomaly ? AnomalyWatch() : nil
      let tape = Tape(watch: watch)
      let random = RandomSource.training(seed: config.seed, step: step, firstRow: piece.firstRow)
      let context = Context(tape: tape, isTraining: true, random: random)
      context.recomputes = config.gradientCheckpointing
      let result = try objective.loss(piece.batch, progress: progress, in: context)
      let value = result.total.item
      guard value.isFinite else {
        let fault = NonFiniteStep(
          step: step + 1, epoch: epoch + 1, number: "the loss is \(NonFiniteStep.text(Double(value)))",
          facts: ["micro-batch \(piece.microBatch)"], rows: data.places(of: piece.batch.indices),
          parts: result.parts.map { ($0.name, Double($0.value)) }, anomaly: watch?.finding)
        if config.onNonFinite == .skip { return (LossPart(fault: fault), nil) }
        optimizer.zeroGradients()
        throw TrainingError.nonFinite(
          fault, advice: optimizer.adviceOnOverflow(isFirst: isFirst, parts: result.parts))
      }
      let share = weight / totalWeight
      let pass = LastPass(tape: tape, loss: result.total, share: share)
      last = leavesLast ? pass : nil
      if !leavesLast { pass.backward { _ in } }
      sum.add(
        LossPart(
          loss: share * Double(value), parts: result.parts.map { ($0.name, share * Double($0.value)) },
          anomaly: watch?.finding))
    }
    return (sum, last)
  }
}

/// Part of an update's mean loss, and of the means of its named parts.
private struct LossPart {
  var loss = 0.0
  var parts: [(name: String, value: Double)] = []
  /// The numbers for which there is no update; nil where all are finite so far.
  var fault: NonFiniteStep?
  /// The first operation whose values were not finite; nil where there was none, or nobody looked.
  var anomaly: String?

  /// Adds another part; names come in the order in which they first appear, and the first fault counts.
  mutating func add(_ other: LossPart) {
    loss += other.loss
    fault = fault ?? other.fault
    anomaly = anomaly ?? other.anomaly
    for part in other.parts {
      if let known = parts.firstIndex(where: { $0.name == part.name }) {
        parts[known].value += part.value
      } else {
        parts.append(part)
      }
    }
  }

  /// The part as it is told to the other ranks, with the part that this rank's last pass has in each parameter.
  func bytes(with passes: [UInt8]) -> [UInt8] {
    func bits(_ value: Double) -> JSONValue { .string(String(value.bitPattern, radix: 16)) }
    let json: JSONValue = [
      "passes": .array(passes.map { .integer(Int($0)) }), "loss": bits(loss),
      "names": .array(parts.map { .string($0.name) }), "values": .array(parts.map { bits($0.value) }),
      "fault": fault?.json ?? .null, "anomaly": anomaly.map { .string($0) } ?? .null,
    ]
    return Array(json.compactText.utf8)
  }

  /// Reads what `bytes(with:)` has made on another rank.
  static func read(_ bytes: [UInt8]) throws -> (part: LossPart, passes: [UInt8]) {
    let json = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
    func number(_ value: JSONValue?) -> Double {
      Double(bitPattern: value?.stringValue.flatMap { UInt64($0, radix: 16) } ?? 0)
    }
    let names = json["names"]?.arrayValue ?? []
    let values = json["values"]?.arrayValue ?? []
    return (
      LossPart(
        loss: number(json["loss"]), parts: zip(names, values).map { ($0.stringValue ?? "", number($1)) },
        fault: NonFiniteStep(json["fault"]), anomaly: json["anomaly"]?.stringValue),
      (json["passes"]?.arrayValue ?? []).map { UInt8(clamping: $0.intValue ?? 0) }
    )
  }
}
