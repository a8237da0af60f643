/// What an operation needs to know about the pass it is part of; passed explicitly, never global.
public final class Context {
  /// Where operations record themselves for the backward pass; nil in inference, where nothing is saved.
  public let tape: Tape?
  /// Whether dropout is active.
  public let isTraining: Bool
  /// Where dropout masks come from; its stream moves on with every operation that draws one.
  public private(set) var random: RandomSource

  /// A context for one forward (and backward) pass.
  public init(tape: Tape? = nil, isTraining: Bool = false, random: RandomSource = RandomSource(seed: 0)) {
    self.tape = tape
    self.isTraining = isTraining
    self.random = random
  }

  /// A context that records nothing and drops nothing.
  public static var inference: Context { Context() }

  /// The next mask, or `.none` outside training or when the probability is 0.
  ///
  /// - Parameters:
  ///   - probability: The probability of dropping an element, 0 ..< 1.
  ///   - starts: Where the rows of each sequence begin in what is dropped, and their number, [sequences + 1]; nil takes the
  ///     whole as one sequence.
  package func nextDropout(_ probability: Float, starts: [Int32]? = nil) -> Dropout {
    precondition(
      probability >= 0 && probability < 1, "A dropout probability lies in 0 ..< 1, found \(probability).")
    guard isTraining, probability > 0 else { return .none }
    defer { random.stream &+= 1 }
    return Dropout(random, probability: probability, starts: starts)
  }

  /// Makes the result of an operation: with a slot when there is a tape and any input requires a gradient.
  package func result(_ storage: Storage, _ shape: Shape, from inputs: [Tensor]) -> Tensor {
    let needed = tape != nil && inputs.contains { $0.slot != nil }
    return Tensor(storage: storage, shape: shape, slot: needed ? GradientSlot(count: shape.count) : nil)
  }
}
