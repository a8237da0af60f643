import Cluster
import Datasets
import Foundation
import ModelFormats
import Tensors
import Tokenization

extension TrainingLoop {
  /// Makes one update of some micro-batches, of which each rank takes its share.
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
    func ownPart() throws -> LossPart {
      let batches = try microBatches.map { try data.batch($0) }
      counts = (
        batches.reduce(0) { $0 + $1.count }, batches.reduce(0) { $0 + $1.tokens.tokenCount }
      )
      return try backward(
        pieces(of: batches), progress: Double(step) / Double(totalSteps), step: step, epoch: epoch,
        optimizer: optimizer, isFirst: isFirst)
    }
    let loss: LossPart
    if ranks.size == 1 {
      loss = try ownPart()
    } else {
      let all = try ranks.exchange { try ownPart().bytes(with: sums.forms) }.map { try LossPart.read($0) }
      loss = all.dropFirst().reduce(into: all[0].part) { $0.add($1.part) }
      sums.run(all.map(\.forms))
    }
    let norm = optimizer.gradientNorm()
    let rates = { (rate: Double) in plateau?.rate(rate) ?? rate }
    let learningRate = rates(config.learningRate) * factor
    guard norm.isFinite else {
      optimizer.zeroGradients()
      throw TrainingError.nonFiniteGradient(
        norm: norm, step: step + 1, epoch: epoch + 1, learningRate: learningRate,
        advice: optimizer.adviceOnOverflow(isFirst: isFirst))
    }
    optimizer.step(
      factor: factor, gradientScale: Optimizer.clippingFactor(norm: norm, maximum: config.maxGradNorm),
      rates: rates)
    optimizer.zeroGradients()
    return StepResult(
      loss: loss.loss, parts: loss.parts, gradientNorm: norm, learningRate: learningRate,
      examples: counts.examples, tokens: counts.tokens)
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

  /// The gradients of this rank's pieces, each weighed by its part of the whole update; returns its part of the loss.
  private func backward(
    _ pieces: [Piece], progress: Double, step: Int, epoch: Int, optimizer: Optimizer, isFirst: Bool
  ) throws -> LossPart {
    // Means of the whole update are divided once, by counts of all pieces of all ranks, which each rank counts itself.
    try objective.prepare(for: pieces.map(\.batch))
    let weights = pieces.map { objective.weight(of: $0.batch) }
    let totalWeight = weights.reduce(0, +)
    var sum = LossPart()
    for (piece, weight) in zip(pieces, weights) where piece.rank == ranks.rank && weight > 0 {
      let tape = Tape()
      let random = RandomSource.training(seed: config.seed, step: step, firstRow: piece.firstRow)
      let context = Context(tape: tape, isTraining: true, random: random)
      context.recomputes = config.gradientCheckpointing
      let result = try objective.loss(piece.batch, progress: progress, in: context)
      let value = result.total.item
      guard value.isFinite else {
        optimizer.zeroGradients()
        throw TrainingError.nonFiniteLoss(
          value: value, step: step + 1, microBatch: piece.microBatch, epoch: epoch + 1,
          examples: piece.batch.indices,
          parts: result.parts.map { "\($0.name) \($0.value)" }.joined(separator: ", "),
          advice: optimizer.adviceOnOverflow(isFirst: isFirst, parts: result.parts))
      }
      let share = weight / totalWeight
      tape.backward(from: result.total, scale: Float(share))
      sum.add(
        LossPart(
          loss: share * Double(value), parts: result.parts.map { ($0.name, share * Double($0.value)) }))
    }
    return sum
  }
}

/// Part of an update's mean loss, and of the means of its named parts.
private struct LossPart {
  var loss = 0.0
  var parts: [(name: String, value: Double)] = []

  /// Adds another part; names come in the order in which they first appear.
  mutating func add(_ other: LossPart) {
    loss += other.loss
    for part in other.parts {
      if let known = parts.firstIndex(where: { $0.name == part.name }) {
        parts[known].value += part.value
      } else {
        parts.append(part)
      }
    }
  }

  /// The part as it is told to the other ranks, with the forms of this rank's gradients.
  func bytes(with forms: [UInt8]) -> [UInt8] {
    func bits(_ value: Double) -> JSONValue { .string(String(value.bitPattern, radix: 16)) }
    let json: JSONValue = [
      "forms": .array(forms.map { .integer(Int($0)) }), "loss": bits(loss),
      "names": .array(parts.map { .string($0.name) }), "values": .array(parts.map { bits($0.value) }),
    ]
    return Array(json.compactText.utf8)
  }

  /// Reads what `bytes(with:)` has made on another rank.
  static func read(_ bytes: [UInt8]) throws -> (part: LossPart, forms: [UInt8]) {
    let json = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
    func number(_ value: JSONValue?) -> Double {
      Double(bitPattern: value?.stringValue.flatMap { UInt64($0, radix: 16) } ?? 0)
    }
    let names = json["names"]?.arrayValue ?? []
    let values = json["values"]?.arrayValue ?? []
    return (
      LossPart(
        loss: number(json["loss"]), parts: zip(names, values).map { ($0.stringValue ?? "", number($1)) }),
      (json["forms"]?.arrayValue ?? []).map { UInt8(clamping: $0.intValue ?? 0) }
    )
  }
}
