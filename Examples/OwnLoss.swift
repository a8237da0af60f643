import Potstill

/// A loss of one's own, written with operators: a layer of the student shall point where one of the teacher's does,
/// token by token.
public struct SameDirection: LossTerm {
  /// Name in logs.
  public let name = "unweighted_same_direction"
  /// Layer of the student.
  public let studentTaps: [String]
  /// Layer of the teacher, of the same width.
  public let teacherTaps: [String]

  /// A term between two layers, by the names of `EncoderConfig.intermediates`.
  public init(student: String, teacher: String) { (studentTaps, teacherTaps) = ([student], [teacher]) }

  /// 0.1 at the beginning, 0 at the end.
  public func weight(progress: Double) -> Double { 0.1 * (1 - progress) }

  /// The mean over tokens of 1 − cos(student, teacher).
  public func loss(
    student: Answers, teacher: Answers, batch: Batch, in context: Context
  ) throws -> Tensor {
    let (s, t) = (try student.value(studentTaps[0]), try teacher.value(teacherTaps[0]))
    let product = (s * t).sum(axis: -1)
    let lengths = ((s * s).sum(axis: -1) * (t * t).sum(axis: -1) + 1e-12).sqrt()
    return (1 - product / lengths).mean()
  }
}

/// Distils with that loss beside the KD loss.
public func distil(
  _ student: TaskModel, of teacher: TaskModel, examples: [EncodedExample], training: TrainingConfig
) throws -> TrainingSummary {
  let term = SameDirection(student: "encoder.layer.1", teacher: "encoder.layer.3")
  let distiller = try GeneralDistiller(
    DistillationConfig(temperature: 4), teacher: LiveTeacher(teacher), student: student, terms: [term])
  return try distiller.train(examples, config: training)
}
