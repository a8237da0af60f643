/// What a distillation is expected to take, by a formula; the true peak is in the run's results.
///
/// With 4 bytes a value: the teacher's parameters once; every trained value once with its gradient and the optimizer's
/// states (two for AdamW); of each of the student's layers, for T tokens, hidden size H, feed-forward size F, A heads and
/// sequences of length L, the T (10 H + 2 F + 2 A L) values that the backward pass needs; and two layers' worth for the
/// teacher, which keeps nothing.
public struct MemoryEstimate: Sendable, Equatable {
  /// The parameters of teacher, student and projections, in bytes.
  public let parameters: Int
  /// The gradients of what is trained, in bytes.
  public let gradients: Int
  /// The optimizer's states, in bytes.
  public let optimizer: Int
  /// The activations of one micro-batch, in bytes.
  public let activations: Int

  init(
    teacher: ModelDescription, student: ModelDescription, projectionCount: Int, optimizerStates: Int,
    tokens: Int, sequenceLength: Int
  ) {
    let trained = student.trainableCount + projectionCount
    parameters = 4 * (teacher.parameterCount + student.parameterCount + projectionCount)
    gradients = 4 * trained
    optimizer = 4 * optimizerStates * trained
    let perLayer = { (model: ModelDescription) in
      tokens * (10 * model.hiddenSize + 2 * model.intermediateSize + 2 * model.heads * sequenceLength)
    }
    activations = 4 * (student.layers * perLayer(student) + 2 * perLayer(teacher))
  }

  /// Everything together, in bytes.
  public var total: Int { parameters + gradients + optimizer + activations }
}
