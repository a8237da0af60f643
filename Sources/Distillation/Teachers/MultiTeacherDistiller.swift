import Encoders
import ModelFormats
import TaskData
import Tasks
import Training

/// Distils several teachers into one student; TextBrewer's `MultiTeacherDistiller`, with weights, and with a choice of what
/// is averaged.
///
/// Every teacher reads the student's tokens and answers its labels, in whatever order. Intermediate layers are matched with
/// the first teacher. Everything else is as in `GeneralDistiller`; `kd_kl_divergence` is against the mean teacher.
/// `cacheTeacher` keeps the first teacher's answers in a file and the others' logits in memory. One of your own overrides
/// `computeLoss`, whose `teacher` is the first with the others in its `ensemble`.
open class MultiTeacherDistiller: GeneralDistiller {
  /// The models that are imitated, the one whose layers are matched first.
  public let teachers: [WeightedTeacher]
  /// What is averaged.
  public let average: TeacherAverage
  /// The share of each teacher in the mean; they add up to 1.
  public let shares: [Double]

  /// The teachers behind the first.
  private let others: [FrozenTeacher]
  /// Each teacher's output for each of the student's; nil where they are in one order.
  private let orders: [[Int]?]

  /// A distiller of several models into one, once everything fits.
  ///
  /// - Parameters:
  ///   - config: What the student learns from.
  ///   - teachers: The models that are imitated; layers are matched with the first.
  ///   - average: What is averaged.
  ///   - student: The model that learns.
  ///   - adaptorS: What is used of the student's output; by default what fits its head.
  ///   - kdLoss: What compares the logits instead of the configuration's `kd_loss_type`.
  ///   - description: What the configuration is checked against; by default the student's own sizes and labels.
  ///   - hasLabels: Whether any training example has a label, if that is known.
  ///   - seed: Decides the projections' initial weights.
  /// - Throws: `DistillationError.invalidConfiguration` with every fault, `.cache` when a teacher's answers lack what is
  ///   needed, or are another model's.
  public init(
    _ config: DistillationConfig, teachers: [WeightedTeacher], average: TeacherAverage = .logits,
    student: TaskModel, adaptorS: Adaptor? = nil, kdLoss: KDFunction? = nil,
    description: ModelDescription? = nil, hasLabels: Bool? = nil, seed: UInt64 = 42
  ) throws(DistillationError) {
    let own = description ?? ModelDescription(student, name: "student")
    let labels = student.config.labels
    let faults = Self.faults(config, teachers, average, own, labels, hasLabels: hasLabels)
      .filter { $0.severity == .fault }
    guard let first = teachers.first, faults.isEmpty else { throw .invalidConfiguration(faults) }
    self.teachers = teachers
    self.average = average
    let total = teachers.reduce(0) { $0 + $1.weight }
    shares = teachers.map { $0.weight / total }
    orders = teachers.map { $0.order(for: labels) }
    others = try teachers.dropFirst().map { (teacher) throws(DistillationError) in
      let parts = config.usesTeacherLogits ? CachedPart.logits(of: teacher.config) : []
      try teacher.answers?.check(teacher: teacher.model, parts: parts)
      let keeps = config.cacheTeacherLogits && config.usesTeacherLogits && teacher.answers == nil
      let frozen = FrozenTeacher(
        teacher.model, adaptor: teacher.adaptor ?? Adaptors.teacher(of: teacher.config), capture: [],
        cache: keeps ? TeacherCache() : nil, parts: parts)
      frozen.file = teacher.answers
      return frozen
    }
    try super.init(
      config, teacher: first.model, answers: first.answers, student: student, adaptorT: first.adaptor,
      adaptorS: adaptorS, kdLoss: kdLoss, descriptions: (Self.ordered(first, labels), own),
      hasLabels: hasLabels, seed: seed)
  }

  override var frozenTeachers: [FrozenTeacher] { super.frozenTeachers + others }

  override var answerFiles: [TeacherCacheFile] { super.answerFiles + others.compactMap(\.file) }

  override func teacherResult(of batch: LabeledBatch, rows: [Int32]?) throws -> AdaptorResult {
    var first = try super.teacherResult(of: batch, rows: rows)
    guard config.usesTeacherLogits else { return first }
    // Where the first teacher is not asked twice, the others are not either.
    if frozenTeacher.file != nil { others.forEach { $0.keepAnswers() } }
    var members = [first] + (try others.map { try $0.result(of: batch, rows: rows) })
    for (place, order) in orders.enumerated() {
      guard let order else { continue }
      members[place].logits = members[place].logits.map { MeanLogits.columns($0, order) }
    }
    first = members[0]
    first.ensemble = TeacherEnsemble(average: average, shares: shares, members: members)
    return first
  }

  /// A teacher's description with its labels in the student's order.
  private static func ordered(_ teacher: WeightedTeacher, _ labels: [String]) -> ModelDescription {
    var description = teacher.description
    if teacher.outputs != nil || teacher.order(for: labels) != nil { description.labels = labels }
    return description
  }

  /// Everything that is wrong or doubtful, at once: what one teacher would be told, and what is wrong with several.
  private static func faults(
    _ config: DistillationConfig, _ teachers: [WeightedTeacher], _ average: TeacherAverage,
    _ student: ModelDescription, _ labels: [String], hasLabels: Bool?
  ) -> [Fault] {
    guard let first = teachers.first else {
      return [Fault("teacher", "found none; give at least one model to imitate")]
    }
    var faults = config.validate(teacher: ordered(first, labels), student: student, hasLabels: hasLabels)
    var logitsOnly = config
    logitsOnly.matches = []
    for teacher in teachers.dropFirst() {
      let found = logitsOnly.validate(
        teacher: ordered(teacher, labels), student: student, hasLabels: hasLabels)
      for fault in found where !faults.contains(fault) {
        // Without the matches there may be nothing left to learn, which is no fault of this teacher.
        if fault.field == "kd_loss_weight" { continue }
        faults.append(
          Fault(
            fault.field, "with \(teacher.description.name): \(fault.message)", severity: fault.severity))
      }
    }
    for (index, teacher) in teachers.enumerated() {
      if let fault = NumberLimits.shareFault(teacher.weight) {
        faults.append(Fault("teacher_weights[\(index)]", fault))
      }
      if let outputs = teacher.outputs, outputs.sorted() != Array(teacher.config.labels.indices) {
        faults.append(
          Fault(
            "outputs", "\(outputs) does not name each output of \(teacher.description.name) once"))
      }
    }
    return average == .probabilities ? faults + probabilityFaults(config, student) : faults
  }

  /// What cannot be done with a mean of probabilities.
  private static func probabilityFaults(
    _ config: DistillationConfig, _ student: ModelDescription
  ) -> [Fault] {
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
}
