import Datasets
import Foundation
import Tokenization

/// Part of an objective's loss that a guess's loss can be compared with.
public struct ChancePart: Sendable, Equatable {
  /// Name among the parts of the loss; nil for the total, where nothing else is in that.
  public let name: String?
  /// The loss of a guess; nil where it follows from the targets of the rows.
  public let level: Double?

  /// A part whose guess follows from the targets, or has a known loss.
  public init(_ name: String? = nil, level: Double? = nil) { (self.name, self.level) = (name, level) }

  /// The part under a name that its own is put behind, or under one of its own.
  public func renamed(_ change: (String?) -> String) -> ChancePart {
    ChancePart(change(name), level: level)
  }
}

/// Targets of an epoch, counted as far as the loss of a guess follows from them.
struct TargetCounts {
  private var labels: [Int32: Int] = [:]
  private var tags: [Int32: Int] = [:]
  private var flags: [Int] = []
  private var flagRows = 0
  private var values: (count: Int, sum: Double, squares: Double) = (0, 0, 0)
  private var spans: (count: Int, sum: Double) = (0, 0)

  /// Adds the targets of a batch; returns whether there was any.
  mutating func add(_ batch: Batch) -> Bool {
    var isAny = false
    for (index, target) in batch.targets.enumerated() {
      switch target {
      case .none: continue
      case .label(let label): labels[label, default: 0] += 1
      case .value(let value):
        values.count += 1
        values.sum += Double(value)
        values.squares += Double(value) * Double(value)
      case .labels(let own):
        if flags.isEmpty { flags = own.map { _ in 0 } }
        flagRows += 1
        for (place, flag) in own.enumerated() where flag && place < flags.count { flags[place] += 1 }
      case .tags(let own):
        for tag in own where tag != EncodedExample.noLabel { tags[tag, default: 0] += 1 }
      case .span:
        spans.count += 1
        spans.sum += log(Double(max(1, batch.tokens.length(index))))
      }
      isAny = true
    }
    return isAny
  }

  /// The loss of a guess; nil where there is no target, or they are of several forms.
  ///
  /// Of labels, and of labels side by side, it is the entropy of how often each occurs; of numbers the mean square of their distance
  /// from their mean; of tags and answers the loss of a guess that takes all that occur, or all tokens, for as likely.
  var guess: Double? {
    func entropy(_ counts: some Sequence<Int>, of total: Int) -> Double {
      counts.reduce(0) { sum, count in
        let share = Double(count) / Double(total)
        return count == 0 ? sum : sum - share * log(share)
      }
    }
    var found: [Double] = []
    if !labels.isEmpty { found.append(entropy(labels.values, of: labels.values.reduce(0, +))) }
    if !tags.isEmpty { found.append(log(Double(tags.count))) }
    if flagRows > 0, !flags.isEmpty {
      let each = flags.map { entropy([$0, flagRows - $0], of: flagRows) }
      found.append(each.reduce(0, +) / Double(flags.count))
    }
    if values.count > 0 {
      let mean = values.sum / Double(values.count)
      found.append(values.squares / Double(values.count) - mean * mean)
    }
    if spans.count > 0 { found.append(spans.sum / Double(spans.count)) }
    return found.count == 1 ? found[0] : nil
  }
}

/// Losses of an epoch beside those of a guess, by which a run that learns nothing is told so.
struct EpochChance {
  private struct Part {
    var sum = 0.0
    var updates = 0
    var counts = TargetCounts()
    var level: Double?
  }
  /// An epoch whose loss is no better than that of a guess.
  struct Finding: Equatable {
    /// The part of the loss; nil for the whole.
    let name: String?
    let loss: Double
    let level: Double
  }

  private var parts: [String?: Part] = [:]
  /// Parts that the update at work has targets for.
  private var current: Set<String?> = []

  /// Updates behind the warm-up that an epoch must have to be judged, and those with which the first is judged too, in which a run has
  /// to find its way.
  static let (fewest, enough) = (20, 100)

  /// Counts the targets of a micro-batch before its update is added.
  mutating func count(_ batch: Batch, as part: ChancePart?) {
    guard let part else { return }
    var own = parts[part.name] ?? Part()
    own.level = part.level
    if own.counts.add(batch) || part.level != nil { current.insert(part.name) }
    parts[part.name] = own
  }

  /// Adds the losses of an update that was made; those of the warm-up count for nothing.
  mutating func add(_ result: StepResult, isWarmingUp: Bool) {
    defer { current = [] }
    if result.fault != nil || isWarmingUp { return }
    for name in current {
      let value = name == nil ? result.loss : result.parts.first { $0.name == name }?.value
      guard let value else { continue }
      parts[name]?.sum += value
      parts[name]?.updates += 1
    }
  }

  /// The parts of the epoch that a guess would have done as well, the whole loss first.
  ///
  /// - Parameter isFirst: Whether it is the first epoch, or that in which the warm-up ends.
  func findings(isFirst: Bool) -> [Finding] {
    parts.sorted { ($0.key ?? "") < ($1.key ?? "") }.compactMap { name, part in
      guard part.updates >= (isFirst ? Self.enough : Self.fewest),
        let level = part.level ?? part.counts.guess,
        // Where nearly all rows are alike, nothing is left to be learnt.
        level > 0.01
      else { return nil }
      let loss = part.sum / Double(part.updates)
      return loss >= level ? Finding(name: name, loss: loss, level: level) : nil
    }
  }
}

extension TrainingLoop {
  /// Warns, once in a run, at the end of an epoch whose loss is that of a guess, and counts such epochs.
  ///
  /// - Parameters:
  ///   - epoch: The epoch, from 0.
  ///   - isWhole: Whether this process has made all updates of it.
  ///   - isFirst: Whether it is the first, or that in which the warm-up ends.
  func judge(epoch: Int, isWhole: Bool, isFirst: Bool, in state: inout TrainerState) throws {
    defer { chance = EpochChance() }
    guard isWhole else { return }
    let findings = chance.findings(isFirst: isFirst)
    guard let first = findings.first else { return }
    state.epochsAtChance += 1
    guard state.epochsAtChance == 1 else { return }
    let name = first.name.map { "\($0), " } ?? ""
    for observer in observers {
      try observer.warning(
        "epoch \(epoch + 1): the training loss (\(name)\(Float(first.loss))) is no better than that of a guess "
          + "(\(Float(first.level))), so the model has learnt nothing, or has lost what it knew. Lower learning_rate, which is "
          + "\(config.learningRate), or lengthen the warm-up; if that is no help, look whether texts and labels belong together."
      )
    }
  }
}
