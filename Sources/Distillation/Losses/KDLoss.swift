import ModelFormats
import Tasks
import Tensors

/// The loss between the logits of a student and a teacher.
///
/// With τ the temperature and R rows of C classes:
/// - `ce`: −(1/R) Σ softmax(z_T/τ) · log softmax(z_S/τ);
/// - `mse`: (1/RC) Σ ((z_S − z_T)/τ)²;
/// - `reverse_kl`, `jsd`, `dkd`, `dist`: see `ReverseKL`, `JensenShannon`, `DecoupledKD` and `DISTLoss`, means over rows.
///
/// Start or end scores of question answering are one row a sequence, over its tokens. Where labels hold side by side, `ce` is
/// the mean binary cross-entropy between σ(z_T/τ) and σ(z_S/τ), the recipe of TextBrewer's maintainer (issue 50); where
/// outputs are numbers, both are `mse`.
///
/// All shrink as 1/τ², so each is multiplied by τ² (Hinton et al. 2015), which makes a weight mean the same at every
/// temperature; TextBrewer leaves the factor out, and so does `isCompensated` = false.
public struct KDLoss: Sendable, Equatable {
  /// Name of the loss.
  public let type: KDLossType
  /// Whether the loss is multiplied by τ².
  public let isCompensated: Bool
  /// Whether each row's logits are standardised first; see `LogitStandardization`.
  public let standardizesLogits: Bool
  /// The weights inside the loss.
  public let options: KDLossOptions

  /// A loss of the given type.
  public init(
    _ type: KDLossType, options: KDLossOptions = KDLossOptions(), isCompensated: Bool = true,
    standardizesLogits: Bool = false
  ) {
    self.type = type
    self.options = options
    self.isCompensated = isCompensated
    self.standardizesLogits = standardizesLogits
  }

  /// Computes the loss with one temperature for all rows.
  ///
  /// - Parameters:
  ///   - student: The student's logits, [rows, classes] or as `kind` says.
  ///   - teacher: The teacher's logits, the same shape; a constant.
  ///   - kind: What the logits mean.
  ///   - temperature: τ > 0.
  ///   - labels: The right class of each row, [rows], negative where it is not known; only `dkd` reads it.
  /// - Returns: The loss, a scalar.
  public func callAsFunction(
    student: Tensor, teacher: Tensor, kind: LogitsKind = .classes, temperature: Double,
    labels: [Int32]? = nil
  ) -> Tensor {
    let tau = Float(temperature)
    let (student, teacher) = (standardized(student, kind), standardized(teacher.detached, kind))
    if type == .mse || kind == .values {
      let loss = student.meanSquaredError(to: teacher)
      return isCompensated ? loss : loss / (tau * tau)
    }
    let loss =
      type == .ce
      ? crossEntropy(student, teacher, kind, tau) : laterLoss(student / tau, teacher / tau, kind, labels)
    return isCompensated ? loss * (tau * tau) : loss
  }

  /// The cross-entropy of logits, which are divided by τ here.
  private func crossEntropy(_ student: Tensor, _ teacher: Tensor, _ kind: LogitsKind, _ tau: Float) -> Tensor
  {
    switch kind {
    case .classes, .values: student.softCrossEntropy(teacher: teacher, temperature: tau)
    case .positions(let starts):
      student.softPositionCrossEntropy(teacher: teacher, starts: starts, temperature: tau)
    case .independentLabels:
      (student / tau).binaryCrossEntropy(targets: (teacher / tau).applying(.sigmoid))
    }
  }

  /// The losses that came after TextBrewer, of logits divided by τ.
  private func laterLoss(
    _ student: Tensor, _ teacher: Tensor, _ kind: LogitsKind, _ labels: [Int32]?
  ) -> Tensor {
    switch kind {
    case .classes:
      return type == .dist
        ? DISTLoss.batch(student: student, teacher: teacher, options: options)
        : rows(student, teacher, labels).mean()
    case .positions(let starts):
      // Each sequence is a row over its own positions.
      let sequences = Sequences(starts)
      return weightedSum(sequences.ranges.map { _ in 1 / Float(sequences.ranges.count) }) {
        let range = sequences.ranges[$0]
        func row(_ scores: Tensor) -> Tensor {
          scores.rows(range).reshaped([1, range.count])
        }
        return rows(row(student), row(teacher), nil).sum()
      }
    case .independentLabels, .values:
      preconditionFailure("\(type.rawValue) compares distributions over classes or positions.")
    }
  }

  /// The loss of each row of logits divided by their temperatures, [rows, 1].
  private func rows(_ student: Tensor, _ teacher: Tensor, _ labels: [Int32]?) -> Tensor {
    switch type {
    case .ce:
      return -(student.logSoftmax() * teacher.softmax()).sum(axis: -1, keepsDimension: true)
    case .mse:
      let difference = student - teacher
      return (difference * difference).mean(axis: -1, keepsDimension: true)
    case .reverseKL: return ReverseKL.rows(student: student, teacher: teacher)
    case .jsd:
      return JensenShannon.rows(student: student, teacher: teacher, options: options)
    case .dkd:
      return DecoupledKD.rows(student: student, teacher: teacher, labels: labels, options: options)
    case .dist: preconditionFailure("dist compares whole batches, not rows.")
    }
  }

  private func standardized(_ logits: Tensor, _ kind: LogitsKind) -> Tensor {
    guard standardizesLogits else { return logits }
    precondition(kind == .classes, "Only rows of classes can be standardised.")
    return LogitStandardization.rows(logits)
  }

  /// Computes the loss with a temperature for each row.
  ///
  /// - Parameters:
  ///   - student: The student's logits, [rows, classes].
  ///   - teacher: The teacher's logits, [rows, classes]; a constant.
  ///   - temperatures: τ > 0 of each row, [rows].
  ///   - labels: The right class of each row, [rows], negative where it is not known; only `dkd` reads it.
  /// - Returns: The loss, a scalar.
  public func callAsFunction(
    student: Tensor, teacher: Tensor, temperatures: [Float], labels: [Int32]? = nil
  ) -> Tensor {
    precondition(
      temperatures.count == student.shape.rowCount,
      "A loss over \(student.shape.rowCount) rows needs as many temperatures, found \(temperatures.count).")
    let column: Shape = [temperatures.count, 1]
    let inverse = Tensor(temperatures.map { 1 / $0 }, shape: column)
    let softStudent = standardized(student, .classes) * inverse
    let softTeacher = standardized(teacher.detached, .classes) * inverse
    let perRow = rows(softStudent, softTeacher, labels)
    guard isCompensated else { return perRow.mean() }
    let factors = Tensor(temperatures.map { $0 * $0 }, shape: column)
    return (perRow * factors).mean()
  }
}

/// Name of a loss between the logits of student and teacher; TextBrewer's `kd_loss_type`, and what came after it.
public enum KDLossType: String, Sendable, Codable, CaseIterable {
  /// Cross-entropy between the softened distributions (Hinton et al. 2015); its minimum is the teacher's entropy.
  case ce
  /// Mean squared difference of the logits.
  case mse
  /// KL(student ‖ teacher): the student may leave out what it cannot cover; see `ReverseKL`.
  case reverseKL = "reverse_kl"
  /// The divergence of both from their mean; see `JensenShannon`.
  case jsd
  /// Decoupled distillation (Zhao et al. 2022): the wrong classes count apart from the right one; see `DecoupledKD`.
  case dkd
  /// Correlations instead of equality (Huang et al. 2022); see `DISTLoss`.
  case dist

  /// Whether the loss is defined for distributions over classes or positions only.
  var needsClasses: Bool { self == .dkd || self == .dist }

  /// The members of `kd_loss_options` that the loss reads.
  var optionNames: [String] {
    switch self {
    case .dkd: ["alpha", "beta"]
    case .dist: ["beta", "gamma"]
    case .jsd: ["beta"]
    case .ce, .mse, .reverseKL: []
    }
  }
}

/// The weights inside a loss between logits, under their papers' letters; `kd_loss_options`.
///
/// What is nil takes the paper's value: `dkd` α = 1 and β = 8 (Zhao and others 2022, for CIFAR-100), `dist` β = γ = 1 (Huang and
/// others 2022), `jsd` β = ½. Other losses have none.
public struct KDLossOptions: Sendable, Equatable {
  /// `dkd`: the weight of the right class.
  public var alpha: Double?
  /// `dkd`: the weight of the wrong classes; `dist`: of the correlations within rows; `jsd`: the teacher's part of the mean,
  /// more than 0 and less than 1 (near 0 as β KL(teacher ‖ student), near 1 as (1 − β) KL(student ‖ teacher)).
  public var beta: Double?
  /// `dist`: the weight of the correlations within classes.
  public var gamma: Double?

  /// Options; nil is the paper's value.
  public init(alpha: Double? = nil, beta: Double? = nil, gamma: Double? = nil) {
    self.alpha = alpha
    self.beta = beta
    self.gamma = gamma
  }

  /// The options by their names in configurations.
  var named: [(name: String, value: Double)] {
    [("alpha", alpha), ("beta", beta), ("gamma", gamma)].compactMap { name, value in value.map { (name, $0) }
    }
  }

  /// Faults of options that do not fit a loss.
  func faults(for type: KDLossType) -> [Fault] {
    let known = type.optionNames
    return named.compactMap { name, value in
      let field = "kd_loss_options.\(name)"
      guard known.contains(name) else {
        let others = known.isEmpty ? "it has none" : "it has \(known.joined(separator: " and "))"
        return Fault(field, "is no option of \(type.rawValue); \(others)")
      }
      if type == .jsd {
        return Float(value) > 0 && Float(value) < 1
          ? nil : Fault(field, "found \(value), expected more than 0 and less than 1")
      }
      return NumberLimits.weightFault(value).map { Fault(field, $0) }
    }
  }
}

extension KDLossOptions {
  /// The name of the setting.
  static let key = "kd_loss_options"

  /// Reads the options of a configuration; nil when they are missing or no object.
  init?(_ reader: inout FieldReader) {
    guard let value = reader.value(Self.key) else { return nil }
    guard let object = value.objectValue else {
      reader.add(Self.key, "found \(value.inWords), expected members such as \"beta\": 8")
      return nil
    }
    var members = FieldReader(object, path: reader.field(Self.key))
    self.init(alpha: members.number("alpha"), beta: members.number("beta"), gamma: members.number("gamma"))
    members.rejectUnknown()
    reader.add(members.faults)
  }

  /// The options that are given; nil without any.
  var json: JSONValue? {
    var object = JSONObject()
    for (name, value) in named { object[name] = .number(value) }
    return object.isEmpty ? nil : .object(object)
  }
}
