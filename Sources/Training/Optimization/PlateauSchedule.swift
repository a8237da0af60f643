package import ModelFormats

/// Learning rate that falls once evaluations no longer improve: `torch.optim.lr_scheduler.ReduceLROnPlateau`, which the
/// Trainer of `transformers` calls `reduce_lr_on_plateau` and moves on at each evaluation.
///
/// A value is a gain if it beats the best by the threshold. After more than `patience` evaluations without a gain each rate is
/// multiplied by `factor`, but falls no lower than `min_lr`, and by no less than `eps`; then `cooldown` evaluations do not count.
/// There is no warm-up.
package struct PlateauSchedule {
  /// Factor on a rate that falls.
  let factor: Double
  /// The evaluations without gain that are put up with.
  let patience: Int
  /// The least gain.
  let threshold: Double
  /// Whether the threshold is a share of the best value, and not a difference.
  let isRelative: Bool
  /// The evaluations after a fall that do not count.
  let cooldown: Int
  /// The lowest rate.
  let leastRate: Double
  /// The least fall.
  let epsilon: Double
  /// Whether more is better.
  let moreIsBetter: Bool
  /// The state that evaluations move on.
  package var state: State

  /// State of a schedule, which a checkpoint keeps.
  package struct State: Equatable {
    /// The best value so far; nil before the first evaluation that is a number.
    var best: Double?
    /// The evaluations without gain in a row.
    var badEvaluations = 0
    /// The evaluations to come that do not count.
    var cooldown = 0
    /// The falls so far.
    var falls = 0

    /// Nothing has been evaluated.
    package init() {}
  }

  /// Takes note of an evaluation.
  package mutating func evaluated(_ value: Double) {
    if isGain(value) {
      state.best = value
      state.badEvaluations = 0
    } else {
      state.badEvaluations += 1
    }
    if state.cooldown > 0 {
      state.cooldown -= 1
      state.badEvaluations = 0
    }
    if state.badEvaluations > patience {
      state.falls += 1
      state.cooldown = cooldown
      state.badEvaluations = 0
    }
  }

  private func isGain(_ value: Double) -> Bool {
    let best = state.best ?? (moreIsBetter ? -.infinity : .infinity)
    return switch (moreIsBetter, isRelative) {
    case (false, true): value < best * (1 - threshold)
    case (false, false): value < best - threshold
    case (true, true): value > best * (threshold + 1)
    case (true, false): value > best + threshold
    }
  }

  /// The rate that one has come down to.
  package func rate(_ start: Double) -> Double {
    var rate = start
    for _ in 0..<state.falls {
      let next = max(rate * factor, leastRate)
      // As in PyTorch a fall too small is none, and neither are those after it.
      if !(rate - next > epsilon) { break }
      rate = next
    }
    return rate
  }
}

extension PlateauSchedule.State {
  /// The state as a checkpoint keeps it, under PyTorch's names.
  package var json: JSONValue {
    [
      "best": best.map { .double($0) } ?? .null, "num_bad_epochs": .integer(badEvaluations),
      "cooldown_counter": .integer(cooldown), "num_reductions": .integer(falls),
    ]
  }

  /// The state that a checkpoint holds; nil where it cannot be.
  ///
  /// - Parameters:
  ///   - json: What the checkpoint says.
  ///   - limit: The updates of the run so far, which no number of evaluations exceeds.
  package init?(json: JSONValue, upTo limit: Int) {
    guard let bad = json["num_bad_epochs"]?.intValue, (0...limit).contains(bad),
      let cooldown = json["cooldown_counter"]?.intValue, (0...1_000_000_000).contains(cooldown),
      let falls = json["num_reductions"]?.intValue, (0...limit).contains(falls)
    else { return nil }
    (badEvaluations, self.cooldown, self.falls) = (bad, cooldown, falls)
    best = json["best"]?.doubleValue
  }
}
