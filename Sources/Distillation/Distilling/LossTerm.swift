public import Datasets
import Encoders
import Tasks
public import Tensors
public import Training

/// Term of a distiller's loss: its name in logs, its weight, and a loss of a student's and a teacher's answers.
///
/// A distiller is a sum of terms; give it one of your own to add a loss:
///
/// ```swift
/// struct LastLayers: LossTerm {
///   let name = "unweighted_last_layers"
///   let studentTaps = ["encoder.layer.2"], teacherTaps = ["encoder.layer.11"]
///   func weight(progress: Double) -> Double { 0.1 }
///   func loss(student: Answers, teacher: Answers, batch: Batch, in context: Context) throws -> Tensor {
///     let difference = try student.value(studentTaps[0]) - teacher.value(teacherTaps[0])
///     return (difference * difference).mean()
///   }
/// }
/// ```
public protocol LossTerm {
  /// Name in logs, under which the loss stands unweighted.
  var name: String { get }
  /// Names of the student's inner values that the loss needs; see `EncoderConfig.intermediates`.
  var studentTaps: [String] { get }
  /// Names of the teacher's inner values that the loss needs.
  var teacherTaps: [String] { get }
  /// Whether it needs the teacher; without any term that does, no teacher is asked.
  var needsTeacher: Bool { get }
  /// Parameters of its own that are learnt with the student, such as a map between two widths.
  var groups: [ParameterGroup] { get }

  /// The factor of the loss at a point of the run.
  ///
  /// - Parameter progress: The share of the run's updates that are done, 0 up to but not including 1.
  func weight(progress: Double) -> Double

  /// The loss of a micro-batch, a scalar.
  ///
  /// - Parameters:
  ///   - student: The student's answers, on the context's tape.
  ///   - teacher: The teacher's, constants; empty when no term needs a teacher.
  ///   - batch: The packed sequences with labels and positions.
  ///   - context: The pass the student's answers belong to.
  /// - Throws: `DistillationError.adaptor` when something is missing.
  func loss(student: Answers, teacher: Answers, batch: Batch, in context: Context) throws -> Tensor
}

extension LossTerm {
  /// No values.
  public var studentTaps: [String] { [] }
  /// No values.
  public var teacherTaps: [String] { [] }
  /// True: the term needs the teacher.
  public var needsTeacher: Bool { true }
  /// No parameters.
  public var groups: [ParameterGroup] { [] }
  /// 1 throughout.
  public func weight(progress: Double) -> Double { 1 }
}

extension Answers {
  /// The inner value of a name.
  ///
  /// - Throws: `DistillationError.adaptor` when nobody has kept it.
  public func value(_ name: String) throws(DistillationError) -> Tensor {
    if let value = values[name] { return value }
    throw .adaptor(
      side: "model", field: "values",
      message: "has no \(name); it has \(values.keys.sorted().joined(separator: ", "))")
  }
}

/// Sum of weighted losses, with each of them unweighted under its name in the log.
struct LossSum {
  private var total: Tensor?
  private var parts: [(name: String, value: Float)] = []

  /// Adds weight · factor · loss to the total; a loss of weight 0 is only logged.
  ///
  /// - Parameter factor: The factor that makes the mean of a micro-batch a part of the update's mean, in the log too.
  mutating func add(_ loss: Tensor, weight: Double, factor: Double = 1, name: String) {
    var unique = name
    var copies = 1
    while parts.contains(where: { $0.name == unique }) {
      copies += 1
      unique = "\(name)_\(copies)"
    }
    parts.append((unique, factor == 1 ? loss.item : Float(factor) * loss.item))
    let weight = weight * factor
    guard weight != 0 else { return }
    let weighted = weight == 1 ? loss : loss * Float(weight)
    total = total.map { $0 + weighted } ?? weighted
  }

  /// The weighted sum, 0 when nothing counted.
  var stepLoss: StepLoss { StepLoss(total ?? Tensor(0), parts: parts) }
}

/// KD loss of your own: the whole loss between one pair of logits, T² included if it shall be; TextBrewer's
/// `register_new('kd_loss', …)`.
///
/// - Parameters:
///   - student: The student's logits, [rows, classes] or as `kind` says, on the context's tape.
///   - teacher: The teacher's, the same shape; a constant.
///   - kind: What the logits mean.
///   - temperature: The configuration's temperature, more than 0.
///   - context: The pass the student's logits belong to.
/// - Returns: The loss, a scalar.
public typealias KDFunction =
  (_ student: Tensor, _ teacher: Tensor, _ kind: LogitsKind, _ temperature: Double, _ context: Context) throws
  -> Tensor
