import Datasets
import Encoders
import ModelFormats
import Tasks
import Tensors
import Tokenization
import Training

/// Numbers of rows that the losses of an update are means over, which lets micro-batches of any sizes add up to the
/// update that one batch of all their rows would be.
///
/// The loop gives a micro-batch of weight w the share w / W of the update. A loss that is a mean over n of the update's N
/// rows of another unit is therefore multiplied by (n / N) / (w / W).
struct UpdateCounts {
  private var rows: [LossUnit: Double] = [:]
  private var weight = 0.0

  /// The counts of one batch.
  ///
  /// - Parameters:
  ///   - batch: The batch as the student reads it.
  ///   - weight: What it counts in the update.
  ///   - family: The student's family of tasks.
  ///   - targets: What the batch is labelled with.
  ///   - loss: The way in which that is learnt.
  ///   - alignment: How the teacher's tokens lie to the student's; nil where both read the same.
  init(
    of batch: Batch, weight: Double, family: any TaskFamily, targets: any TaskTargets,
    loss: HardLabelLoss, alignment: AlignedExamples?
  ) {
    self.weight = weight
    let starts = batch.tokens.starts
    let aligned = alignment.map { examples in batch.indices.map { examples.alignments[$0] } }
    let matched =
      aligned?.map { $0.teacherTokens.count { !$0.isEmpty } }
      ?? zip(starts, starts.dropFirst()).map { Int($1 - $0) }
    let answers =
      switch family.rows {
      case .sequences: batch.count
      case .tokens where family.form == .positions: batch.count
      case .tokens: aligned?.reduce(0) { $0 + $1.words.count } ?? batch.tokens.tokenCount
      case .asked: targets.rows?.count ?? batch.tokens.tokenCount
      }
    rows[.targets] = targets.weight(starts: starts, by: loss)
    rows[.sequences] = Double(matched.count { $0 > 0 })
    rows[.tokens] = Double(matched.reduce(0, +))
    rows[.pairs] = Double(matched.reduce(0) { $0 + $1 * $1 })
    rows[.answers] = Double(answers)
  }

  /// Counts the rows of another micro-batch of the same update too.
  mutating func add(_ other: UpdateCounts) {
    weight += other.weight
    rows.merge(other.rows, uniquingKeysWith: +)
  }

  /// Factor of a mean over some unit of a micro-batch, so that the update's mean comes out.
  func factor(of unit: LossUnit, in batch: UpdateCounts) -> Double {
    let (own, all) = (batch.rows[unit] ?? 0, rows[unit] ?? 0)
    // Products of whole numbers are exact, so that micro-batches of one size have the factor 1.
    return all > 0 && batch.weight > 0 ? (own * weight) / (all * batch.weight) : 1
  }
}

extension Match {
  /// The unit that the loss is a mean over; one of the caller's own is taken for a mean over rows.
  func unit(of family: any TaskFamily) -> LossUnit {
    switch rows {
    case .sequences: .sequences
    case .answers:
      switch family.rows {
      case .sequences: .sequences
      case .tokens: .tokens
      case .asked: .answers
      }
    case .tokens: layerLoss.map { $0.unit ?? .sequences } ?? .tokens
    }
  }
}

extension DistillationConfig {
  /// Faults of what cannot be accumulated over several micro-batches or the shares of several ranks, as the losses that relate the
  /// rows of a whole batch.
  package func accumulationFaults(_ steps: Int, ranks: Int = 1) -> [Fault] {
    guard steps > 1 || ranks > 1 else { return [] }
    func fault(_ field: String, _ name: String, _ reason: String) -> Fault {
      let (found, remedy) =
        steps > 1
        ? (
          "gradient_accumulation_steps is \(steps)",
          "set it to 1 and per_device_train_batch_size to the whole batch"
        ) : ("\(ranks) ranks share each batch", "run it on one rank")
      return Fault(
        field,
        "\(name) \(reason), which the parts of a batch do not add up to, but \(found); \(remedy), or choose another loss"
      )
    }
    var faults: [Fault] = []
    if usesTeacherLogits, kdLossType == .dist {
      faults.append(fault("kd_loss_type", "dist", "compares the rows of a batch with each other"))
    }
    if usesTeacherLogits, temperatureSchedule != .constant {
      faults.append(
        fault("temperature_scheduler", "it", "sets the temperature of a row by the mean of its batch"))
    }
    for (index, source) in matches.enumerated() {
      if let loss = source.losses.first(where: \.relatesBatch) {
        faults.append(
          fault(
            "intermediate_matches[\(index)].loss", loss.rawValue,
            loss.takesAllLayers
              ? "moves its layers' weights on with every batch"
              : "compares the sequences of a batch with each other"
          ))
      }
    }
    return faults
  }
}

extension MatchSource {
  /// The named losses of the matches.
  fileprivate var losses: [MatchLossType] {
    switch self {
    case .match(let match): [match.loss]
    case .map(_, let loss, _, _): [loss]
    case .custom(let match): match.loss.type.map { [$0] } ?? []
    case .preset(let name): MatchPresets.matches(named: name)?.map(\.loss) ?? []
    }
  }
}

extension MatchLossType {
  /// Whether the rows of a whole batch are compared with each other.
  fileprivate var relatesBatch: Bool { loss.unit == nil }
}
