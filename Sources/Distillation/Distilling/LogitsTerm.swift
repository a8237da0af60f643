import Tasks
import Tensors

/// The KD part of a distiller's loss: pairs logits, picks rows, shifts probabilities, finds temperatures.
struct LogitsTerm {
  private let config: DistillationConfig
  private let kdLoss: KDLoss
  private let function: KDFunction?
  private let temperatures: (_ student: Tensor, _ teacher: Tensor) -> [Float]?

  /// A term by the configuration's loss, or by a function in its place.
  ///
  /// - Parameter temperatures: The temperature of each row of classes; nil for that of the configuration.
  init(
    _ config: DistillationConfig, function: KDFunction? = nil,
    temperatures: @escaping (_ student: Tensor, _ teacher: Tensor) -> [Float]?
  ) {
    self.config = config
    self.function = function
    self.temperatures = temperatures
    kdLoss = KDLoss(
      config.kdLossType, options: config.kdLossOptions, isCompensated: config.compatibility != .textbrewer,
      standardizesLogits: config.logitStandardization)
  }

  /// The sum of the KD losses of all pairs of logits, against one teacher or the mean of several.
  func loss(student: AdaptorResult, teacher: AdaptorResult, in context: Context) throws -> Tensor {
    guard let ensemble = teacher.ensemble else {
      return try loss(student: student, single: teacher, in: context)
    }
    guard ensemble.average == .losses else {
      let mean = try ensemble.mean(
        ensemble.average, kind: student.logitsKind, temperature: config.temperature)
      return try loss(student: student, single: mean, in: context)
    }
    var total: Tensor?
    for (member, share) in zip(ensemble.members, ensemble.shares) {
      let term = try Float(share) * loss(student: student, single: member, in: context)
      total = total.map { $0 + term } ?? term
    }
    return total ?? Tensor(0)
  }

  private func loss(student: AdaptorResult, single teacher: AdaptorResult, in context: Context) throws
    -> Tensor
  {
    guard !student.logits.isEmpty, student.logits.count == teacher.logits.count else {
      throw DistillationError.adaptor(
        side: "student", field: "logits",
        message:
          "found \(student.logits.count) in the student and \(teacher.logits.count) in the teacher; expected "
          + "as many, at least one, since kd_loss_weight is \(config.kdLossWeight)")
    }
    var total: Tensor?
    for index in student.logits.indices {
      let own = try select(student, index, side: "student")
      var other = try select(teacher, index, side: "teacher")
      guard own.shape == other.shape else {
        throw DistillationError.adaptor(
          side: "student", field: "logits[\(index)]",
          message: "found shape \(own.shape), the teacher's is \(other.shape)")
      }
      if config.probabilityShift { other = try shifted(other, student, index) }
      try checkPositions(student, own, index)
      let labels = index < student.labels.count ? student.labels[index] : nil
      let term = try pairLoss(
        student: own, teacher: other, kind: student.logitsKind,
        labels: labels?.count == own.shape.rowCount ? labels : nil, in: context)
      total = total.map { $0 + term } ?? term
    }
    return total ?? Tensor(0)
  }

  /// KL(teacher ‖ student) at the configured temperature, averaged over rows and summed over pairs: 0 is a perfect copy.
  ///
  /// The cross-entropy cannot reach 0, since it contains the teacher's own entropy. Nil unless the loss is one.
  func divergence(student: AdaptorResult, teacher: AdaptorResult) throws(DistillationError) -> Tensor? {
    guard function == nil, config.kdLossType == .ce, !config.logitStandardization,
      config.compatibility == nil,
      student.logitsKind != .values
    else { return nil }
    var teacher = teacher
    if let ensemble = teacher.ensemble {
      // A mean of cross-entropies is the cross-entropy of the mean distribution.
      teacher = try ensemble.mean(
        ensemble.average == .logits ? .logits : .probabilities, kind: student.logitsKind,
        temperature: config.temperature)
    }
    let entropy = KDLoss(.ce, isCompensated: false)
    var total: Float = 0
    for index in student.logits.indices {
      let own = try select(student, index, side: "student")
      let other = try select(teacher, index, side: "teacher")
      guard own.count > 0 else { continue }
      let loss = { (logits: Tensor) in
        entropy(
          student: logits.detached, teacher: other, kind: student.logitsKind, temperature: config.temperature
        ).item
      }
      total += max(0, loss(own) - loss(other))
    }
    return Tensor(total)
  }

  private func pairLoss(
    student: Tensor, teacher: Tensor, kind: LogitsKind, labels: [Int32]?, in context: Context
  ) throws -> Tensor {
    // A batch may hold no row that counts.
    guard student.count > 0 else { return Tensor(0) }
    if let function {
      let loss = try function(student, teacher.detached, kind, config.temperature, context)
      guard loss.count == 1 else {
        throw DistillationError.adaptor(
          side: "student", field: "logits",
          message: "the KD loss gave shape \(loss.shape), expected a scalar")
      }
      return loss
    }
    if kind == .classes, let rows = temperatures(student, teacher) {
      precondition(
        rows.count == student.shape.rowCount,
        "A distiller gave \(rows.count) temperatures for \(student.shape.rowCount) rows.")
      return kdLoss(student: student, teacher: teacher, temperatures: rows, labels: labels)
    }
    return kdLoss(
      student: student, teacher: teacher, kind: kind, temperature: config.temperature, labels: labels)
  }

  /// Scores of positions must be one for each token.
  private func checkPositions(
    _ student: AdaptorResult, _ logits: Tensor, _ index: Int
  ) throws(DistillationError) {
    guard case .positions(let starts) = student.logitsKind else { return }
    guard logits.count == Int(starts.last ?? 0) else {
      throw .adaptor(
        side: "student", field: "logits[\(index)]",
        message:
          "found \(logits.shape) for \(starts.last ?? 0) tokens; a distribution over positions needs a "
          + "score of each, and no logitRows")
    }
  }

  private func select(
    _ result: AdaptorResult, _ index: Int, side: String
  ) throws(DistillationError) -> Tensor {
    let logits = result.logits[index]
    guard let lists = result.logitRows else { return logits }
    guard lists.count == 1 || lists.count == result.logits.count else {
      throw .adaptor(
        side: side, field: "logitRows",
        message: "found \(lists.count) lists for \(result.logits.count) logits; expected one, or one for each"
      )
    }
    return logits.rows(at: lists.count == 1 ? lists[0] : lists[index])
  }

  /// The teacher's logits with the largest value of each labelled distribution exchanged with that of its label.
  private func shifted(
    _ teacher: Tensor, _ student: AdaptorResult, _ index: Int
  ) throws(DistillationError) -> Tensor {
    let ranges: [Range<Int>]
    if case .positions(let starts) = student.logitsKind {
      ranges = zip(starts, starts.dropFirst()).map { Int($0)..<Int($1) }
    } else {
      let classes = teacher.shape.lastDimension
      ranges = (0..<teacher.shape.rowCount).map { $0 * classes..<($0 + 1) * classes }
    }
    guard index < student.labels.count, student.labels[index].count == ranges.count else {
      throw .adaptor(
        side: "student", field: "labels",
        message: "probability_shift needs a label for each of the \(ranges.count) rows of "
          + "logits[\(index)]; use a negative one for rows that have none")
    }
    var values = teacher.values
    for (range, label) in zip(ranges, student.labels[index]) where label >= 0 && Int(label) < range.count {
      let largest = range.max { values[$0] < values[$1] } ?? range.lowerBound
      values.swapAt(largest, range.lowerBound + Int(label))
    }
    return Tensor(values, shape: teacher.shape)
  }
}
