public import ModelFormats

/// How often a student's layers stand in for their teacher's in BERT-of-Theseus, under the names of the authors' script.
public struct TheseusConfig: Sendable, Equatable {
  /// The probability of replacing a block at the first step, b (`replacing_rate`), above 0 and at most 1.
  public var replacingRate: Double
  /// What the probability grows by in each step, k (`scheduler_linear_k`): min(1, k t + b) at step t, from 0.
  public var schedulerLinearK: Double?
  /// The steps with the constant probability b, after which every block is replaced (`steps_for_replacing`).
  public var stepsForReplacing: Int?

  /// A curriculum; without `schedulerLinearK` and `stepsForReplacing` the probability grows linearly to 1 in the first half of
  /// the run, and the second half trains the student alone.
  public init(
    replacingRate: Double = 0.3, schedulerLinearK: Double? = nil, stepsForReplacing: Int? = nil
  ) {
    self.replacingRate = replacingRate
    self.schedulerLinearK = schedulerLinearK
    self.stepsForReplacing = stepsForReplacing
  }

  /// The curriculum under the names of the authors' script; null where the default counts.
  public var json: JSONValue {
    [
      "replacing_rate": .double(replacingRate),
      "scheduler_linear_k": schedulerLinearK.map { .double($0) } ?? .null,
      "steps_for_replacing": stepsForReplacing.map { .integer($0) } ?? .null,
    ]
  }

  /// The probability of replacing a block at a step.
  ///
  /// - Parameters:
  ///   - step: The updates that are done.
  ///   - totalSteps: The updates of the run.
  public func rate(at step: Int, of totalSteps: Int) -> Double {
    if let steps = stepsForReplacing { return step < steps ? replacingRate : 1 }
    let growth = schedulerLinearK ?? (1 - replacingRate) * 2 / Double(max(1, totalSteps))
    return min(1, growth * Double(step) + replacingRate)
  }

  /// Everything that is wrong with the numbers.
  func faults() -> [Fault] {
    var faults: [Fault] = []
    if !(replacingRate > 0 && replacingRate <= 1) {
      faults.append(
        Fault("replacing_rate", "found \(replacingRate), expected more than 0 and at most 1"))
    }
    if let k = schedulerLinearK, !(k >= 0 && k.isFinite) {
      faults.append(Fault("scheduler_linear_k", "found \(k), expected at least 0"))
    }
    if let steps = stepsForReplacing, steps < 0 {
      faults.append(Fault("steps_for_replacing", "found \(steps), expected at least 0"))
    }
    if schedulerLinearK != nil, stepsForReplacing != nil {
      faults.append(
        Fault(
          "steps_for_replacing",
          "is for a constant rate, but scheduler_linear_k asks for one that grows; give one of the two"))
    }
    return faults
  }
}
