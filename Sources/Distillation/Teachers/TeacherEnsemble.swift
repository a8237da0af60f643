public import Datasets
import Encoders
import Foundation
public import ModelFormats
import Tasks
import Tensors
import Tokenization

/// Mean of several teachers: of logits, of probabilities, or of losses.
///
/// With z_k the logits of teacher k, w_k its share (the shares add up to 1), τ the temperature and L the KD loss:
/// `logits`: L(student, Σ w_k z_k), TextBrewer's way; `probabilities`: L against Σ w_k softmax(z_k/τ);
/// `losses`: Σ w_k L(student, z_k). The cross-entropy is linear in the teacher, so with `ce` and one temperature the last two are
/// one; a mean of logits instead is a geometric mean of the distributions, which a teacher that rules a class out decides alone.
/// Where labels hold side by side σ takes the place of the softmax, where positions are scored the softmax is over each
/// sequence's.
public enum TeacherAverage: String, Sendable, Codable, CaseIterable {
  /// The weighted mean of the logits.
  case logits
  /// The weighted mean of the distributions at the configuration's temperature.
  case probabilities
  /// The weighted mean of the losses against each teacher.
  case losses
}

/// Teacher of several teachers; TextBrewer's `MultiTeacherDistiller`, with weights, and with a choice of what is averaged.
///
/// Every teacher reads the student's tokens and answers its labels, in whatever order (`ReorderedTeacher`). Intermediate
/// layers are matched with the first teacher.
public struct TeacherEnsemble: Teacher {
  /// Teachers, the one whose layers are matched first.
  public let members: [any Teacher]
  /// Weight of each relative to the others.
  public let weights: [Double]
  /// Mean that is taken.
  public let average: TeacherAverage

  /// Several teachers.
  ///
  /// - Parameters:
  ///   - members: At least one teacher, the one whose layers are matched first.
  ///   - weights: How much each counts relative to the others, more than 0; nil lets all count the same.
  ///   - average: The mean that is taken.
  ///   - labels: The student's labels, into whose order every teacher's outputs are put; nil leaves them as they are.
  /// - Throws: `DistillationError.invalidConfiguration` when there is no teacher.
  public init(
    _ members: [any Teacher], weights: [Double]? = nil, average: TeacherAverage = .logits,
    labels: [String]? = nil
  ) throws(DistillationError) {
    let weights = weights ?? members.map { _ in 1 }
    precondition(
      weights.count == members.count, "Found \(weights.count) weights for \(members.count) teachers.")
    guard !members.isEmpty else {
      throw .invalidConfiguration([Fault("teacher", "found none; give at least one model to imitate")])
    }
    self.init(
      members: members.map { teacher in
        labels.map { teacher is ReorderedTeacher ? teacher : ReorderedTeacher(teacher, labels: $0) }
          ?? teacher
      }, weights: weights, average: average)
  }

  private init(members: [any Teacher], weights: [Double], average: TeacherAverage) {
    (self.members, self.weights, self.average) = (members, weights, average)
  }

  /// Share of each teacher in the mean; they add up to 1.
  public var shares: [Double] {
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  /// The first teacher's sizes.
  public var description: ModelDescription { members[0].description }
  /// The first teacher's model.
  public var model: TaskModel? { members[0].model }
  /// Whether all answers are kept.
  public var keepsAnswers: Bool { members.allSatisfy(\.keepsAnswers) }

  /// The ensemble with the sources of each teacher replaced, numbered in order.
  public func replacingSources(
    _ change: (_ source: any Teacher, _ number: Int) throws -> any Teacher
  ) rethrows -> any Teacher {
    var number = -1
    return TeacherEnsemble(
      members: try members.map { member in
        try member.replacingSources { source, _ in
          number += 1
          return try change(source, number)
        }
      }, weights: weights, average: average)
  }

  /// Prepares every teacher.
  public func prepare(
    for examples: EncodedExamples, config: DistillationConfig, batches: @escaping () -> [[Int]]
  ) throws(DistillationError) {
    for member in members { try member.prepare(for: examples, config: config, batches: batches) }
  }

  /// Faults of each further teacher, of the weights, and of the mean.
  public func faults(with config: DistillationConfig, student: ModelDescription, hasLabels: Bool?) -> [Fault]
  {
    var faults: [Fault] = []
    var logitsOnly = config
    logitsOnly.matches = []
    let known = logitsOnly.validate(teacher: description, student: student, hasLabels: hasLabels)
    for teacher in members.dropFirst() {
      let found = logitsOnly.validate(teacher: teacher.description, student: student, hasLabels: hasLabels)
      for fault in found where !known.contains(fault) {
        // Without the matches there may be nothing left to learn, which is no fault of this teacher.
        if fault.field == "kd_loss_weight" { continue }
        faults.append(
          Fault(
            fault.field, "with \(teacher.description.name): \(fault.message)", severity: fault.severity))
      }
    }
    for (index, weight) in weights.enumerated() {
      if let fault = NumberLimits.shareFault(weight) {
        faults.append(Fault("teacher_weights[\(index)]", fault))
      }
    }
    faults += members.flatMap { $0.faults(with: config, student: student, hasLabels: hasLabels) }
    return average == .probabilities ? faults + probabilityFaults(config, student) : faults
  }

  /// Faults of settings that a mean of probabilities cannot serve.
  private func probabilityFaults(_ config: DistillationConfig, _ student: ModelDescription) -> [Fault] {
    var reasons: [String] = []
    if student.family.form == .values {
      reasons.append("numbers have no probabilities")
    } else if config.kdLossType == .mse {
      reasons.append("kd_loss_type mse compares logits, which a mean of probabilities does not have")
    }
    if config.logitStandardization {
      reasons.append(
        "logit_standardization takes the scale out of logits, which a mean of probabilities does not have")
    }
    if config.temperatureSchedule != .constant {
      reasons.append(
        "temperature_scheduler gives each row its own temperature, but probabilities are averaged at one")
    }
    return reasons.map { Fault("teacher_average", "\($0); use logits or losses") }
  }

  /// The first teacher's answers with the mean of all logits, or with every teacher's logits where losses are averaged.
  ///
  /// - Throws: `DistillationError.adaptor` when the teachers' logits are of different rows, and what a teacher throws.
  public func answers(to batch: Batch, wanting request: AnswerRequest) throws -> Answers {
    var first = try members[0].answers(to: batch, wanting: request)
    guard request.logits else { return first }
    var logitsOnly = request
    logitsOnly.taps = []
    let others = try members.dropFirst().map { try $0.answers(to: batch, wanting: logitsOnly) }
    for (index, other) in others.enumerated() {
      guard other.logits.map(\.shape) == first.logits.map(\.shape), other.logitRows == first.logitRows else {
        throw DistillationError.adaptor(
          side: "teacher", field: "logits",
          message: "teacher \(index + 2) gave \(other.logits.map { "\($0.shape)" }), the first one "
            + "\(first.logits.map { "\($0.shape)" }); teachers can only be averaged over the same rows")
      }
    }
    first.opinions = zip([first.logits] + others.map(\.logits), shares).map {
      Answers.Opinion(share: $1, logits: $0)
    }
    switch average {
    case .losses: break
    case .logits: first.logits = MeanLogits.ofLogits(first.opinions)
    case .probabilities:
      let kind = description.family.form.kind(starts: batch.tokens.starts)
      first.logits = MeanLogits.ofProbabilities(
        first.opinions, kind: kind, temperature: request.temperature)
    }
    return first
  }
}

extension MeanLogits {
  /// Mean of each list of logits.
  static func ofLogits(_ opinions: [Answers.Opinion]) -> [Tensor] {
    opinions[0].logits.indices.map { index in
      ofLogits(opinions.map { $0.logits[index] }, shares: opinions.map(\.share))
    }
  }

  /// Logits of the mean distribution of each list; see `ofProbabilities(_:shares:kind:temperature:)`.
  static func ofProbabilities(
    _ opinions: [Answers.Opinion], kind: LogitsKind, temperature: Double
  ) -> [Tensor] {
    opinions[0].logits.indices.map { index in
      ofProbabilities(
        opinions.map { $0.logits[index] }, shares: opinions.map(\.share), kind: kind, temperature: temperature
      )
    }
  }
}

/// The logits of a teacher that is the mean of several.
package enum MeanLogits {
  /// Σ w_k z_k.
  package static func ofLogits(_ members: [Tensor], shares: [Double]) -> Tensor {
    var sums = [Double](repeating: 0, count: members[0].count)
    for (member, share) in zip(members, shares) {
      for (index, value) in member.values.enumerated() { sums[index] += share * Double(value) }
    }
    return Tensor(sums.map { Float($0) }, shape: members[0].shape)
  }

  /// τ log p with p = Σ w_k softmax(z_k/τ), logits that give the mean distribution back at temperature τ.
  ///
  /// Where labels hold side by side, τ (log p − log (1 − p)) with p = Σ w_k σ(z_k/τ). Computed from logarithms, so that a
  /// class which every teacher rules out stays finite.
  ///
  /// - Parameters:
  ///   - members: The logits of each teacher, of one shape.
  ///   - shares: w_k > 0, which add up to 1.
  ///   - kind: What the logits mean; not `values`.
  ///   - temperature: τ > 0.
  package static func ofProbabilities(
    _ members: [Tensor], shares: [Double], kind: LogitsKind, temperature: Double
  ) -> Tensor {
    let shape = members[0].shape
    let scaled = members.map { member in member.values.map { Double($0) / temperature } }
    let logShares = shares.map { log($0) }
    var result = [Float](repeating: 0, count: shape.count)
    let rows: [Range<Int>]
    switch kind {
    case .values: preconditionFailure("Numbers have no probabilities to average.")
    case .independentLabels:
      for index in result.indices {
        let terms = zip(scaled, logShares)
        let yes = logSumExp(terms.map { $1 - softplus(-$0[index]) })
        let no = logSumExp(terms.map { $1 - softplus($0[index]) })
        result[index] = Float(temperature * (yes - no))
      }
      return Tensor(result, shape: shape)
    case .classes:
      let width = shape.lastDimension
      rows = (0..<shape.rowCount).map { $0 * width..<($0 + 1) * width }
    case .positions(let starts):
      rows = zip(starts, starts.dropFirst()).map { Int($0)..<Int($1) }
    }
    for row in rows {
      let norms = zip(scaled, logShares).map { $1 - logSumExp($0[row]) }
      for index in row {
        result[index] = Float(temperature * logSumExp(zip(scaled, norms).map { $0[index] + $1 }))
      }
    }
    return Tensor(result, shape: shape)
  }

  /// The columns of [rows, classes] in another order: column j is what column order[j] was.
  static func columns(_ logits: Tensor, _ order: [Int]) -> Tensor {
    let (values, width) = (logits.values, logits.shape.lastDimension)
    precondition(order.count == width, "An order of \(order.count) outputs does not fit \(logits.shape).")
    let ordered = stride(from: 0, to: values.count, by: width).flatMap { start in
      order.map { values[start + $0] }
    }
    return Tensor(ordered, shape: logits.shape)
  }

  private static func logSumExp(_ values: some Collection<Double>) -> Double {
    let highest = values.max() ?? 0
    return highest + log(values.reduce(0) { $0 + exp($1 - highest) })
  }

  /// log (1 + exp x).
  private static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}
