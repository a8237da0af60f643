/// What a distillation is expected to take, by a formula; the true peak is in the run's results.
///
/// With 4 bytes a value: each teacher's parameters once; every trained value once with its gradient and the optimizer's
/// states (two for AdamW); of each of the student's layers, for T tokens, hidden size H, feed-forward size F, A heads and
/// sequences of length L, the T (8 H + F + A L) values that the backward pass needs; T (4 H + F) more for the gradients on
/// their way through a layer; and two layers' worth for the teacher, which keeps nothing.
public struct MemoryEstimate: Sendable, Equatable {
  /// The parameters of teachers, student and projections, in bytes.
  public let parameters: Int
  /// The gradients of what is trained, in bytes.
  public let gradients: Int
  /// The optimizer's states, in bytes.
  public let optimizer: Int
  /// The activations of one micro-batch, in bytes.
  public let activations: Int

  init(
    teacher: ModelDescription, others: [ModelDescription], student: ModelDescription, projectionCount: Int,
    optimizerStates: Int,
    tokens: Int, sequenceLength: Int
  ) {
    let trained = student.trainableCount + projectionCount
    let further = others.reduce(0) { $0 + $1.parameterCount }
    parameters = 4 * (teacher.parameterCount + further + student.parameterCount + projectionCount)
    gradients = 4 * trained
    optimizer = 4 * optimizerStates * trained
    let perLayer = { (model: ModelDescription) in
      tokens * (8 * model.hiddenSize + model.intermediateSize + model.heads * sequenceLength)
    }
    let passing = tokens * (4 * student.hiddenSize + student.intermediateSize)
    activations = 4 * (student.layers * perLayer(student) + passing + 2 * perLayer(teacher))
  }

  /// Everything together, in bytes.
  public var total: Int { parameters + gradients + optimizer + activations }
}
