import Datasets
import Tasks
import Tensors

/// Term of the KD loss: pairs logits, picks rows, shifts probabilities, finds temperatures.
struct LogitsTerm: LossTerm {
  private let config: DistillationConfig
  private let kdLoss: KDLoss
  private let function: KDFunction?
  private let temperatures: (_ student: Tensor, _ teacher: Tensor) -> [Float]?
  private let weight: (_ progress: Double) -> Double

  /// A term by the configuration's loss, or by a function in its place.
  ///
  /// - Parameters:
  ///   - temperatures: The temperature of each row of classes; nil for that of the configuration.
  ///   - weight: The weight at a point of the run.
  init(
    _ config: DistillationConfig, function: KDFunction? = nil,
    temperatures: @escaping (_ student: Tensor, _ teacher: Tensor) -> [Float]?,
    weight: @escaping (_ progress: Double) -> Double
  ) {
    self.weight = weight
    self.config = config
    self.function = function
    self.temperatures = temperatures
    kdLoss = KDLoss(
      config.kdLossType, options: config.kdLossOptions, isCompensated: config.compatibility != .textbrewer,
      standardizesLogits: config.logitStandardization)
  }

  let name = "unweighted_kd_loss"

  func weight(progress: Double) -> Double { weight(progress) }

  /// The sum of the KD losses of all pairs of logits, averaged over the teacher's opinions.
  func loss(
    student: Answers, teacher: Answers, batch: Batch, in context: Context
  ) throws -> Tensor {
    if teacher.opinions.count == 1 { return try loss(student: student, single: teacher, in: context) }
    var total: Tensor?
    for opinion in teacher.opinions {
      var single = teacher
      single.logits = opinion.logits
      let term = try Float(opinion.share) * loss(student: student, single: single, in: context)
      total = total.map { $0 + term } ?? term
    }
    return total ?? Tensor(0)
  }

  private func loss(student: Answers, single teacher: Answers, in context: Context) throws
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

  /// Whether the loss is a cross-entropy, which has a divergence.
  ///
  /// - Parameter kind: What the student's logits mean.
  func hasDivergence(_ kind: LogitsKind) -> Bool {
    function == nil && config.kdLossType == .ce && !config.logitStandardization && config.compatibility == nil
      && kind != .values
  }

  /// KL(teacher ‖ student) at the configured temperature, averaged over rows and summed over pairs: 0 is a perfect copy.
  ///
  /// The cross-entropy cannot reach 0, since it contains the teacher's own entropy.
  func divergence(student: Answers, teacher: Answers) throws(DistillationError) -> Tensor {
    var teacher = teacher
    if teacher.opinions.count > 1 {
      // A mean of cross-entropies is the cross-entropy of the mean distribution.
      teacher.logits = MeanLogits.ofProbabilities(
        teacher.opinions, kind: student.logitsKind, temperature: config.temperature)
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

  /// Checks that scores of positions are one for each token.
  private func checkPositions(
    _ student: Answers, _ logits: Tensor, _ index: Int
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
    _ result: Answers, _ index: Int, side: String
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
    _ teacher: Tensor, _ student: Answers, _ index: Int
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

/// Term of the divergence from the teacher, which is logged and not minimised.
struct DivergenceTerm: LossTerm {
  let name = "kd_kl_divergence"
  /// Term of the KD loss whose divergence it is.
  let logits: LogitsTerm

  func weight(progress: Double) -> Double { 0 }

  func loss(student: Answers, teacher: Answers, batch: Batch, in context: Context) throws -> Tensor {
    try logits.divergence(student: student, teacher: teacher)
  }
}

/// Term of the student's own losses, so of the labels.
struct LabelsTerm: LossTerm {
  let name = "unweighted_hard_label_loss"
  private let weight: (_ progress: Double) -> Double

  /// - Parameter weight: The weight at a point of the run.
  init(weight: @escaping (_ progress: Double) -> Double) { self.weight = weight }

  let needsTeacher = false

  func weight(progress: Double) -> Double { weight(progress) }

  func loss(student: Answers, teacher: Answers, batch: Batch, in context: Context) throws -> Tensor {
    for loss in student.losses where loss.count != 1 {
      throw DistillationError.adaptor(
        side: "student", field: "losses", message: "found shape \(loss.shape), expected scalars")
    }
    return student.losses.dropFirst().reduce(student.losses.first ?? Tensor(0)) { $0 + $1 }
  }
}
