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

  /// One dropout mask: element i is kept as a function of (seed, stream, i).
  package struct Dropout {
    package let seed: UInt64
    package let stream: UInt64
    package let probability: Float
    /// No dropout.
    package static let none = Dropout(seed: 0, stream: 0, probability: 0)
  }

  /// The next mask, or `.none` outside training or when the probability is 0.
  package func nextDropout(_ probability: Float) -> Dropout {
    precondition(
      probability >= 0 && probability < 1, "A dropout probability lies in 0 ..< 1, found \(probability).")
    guard isTraining, probability > 0 else { return .none }
    defer { random.stream &+= 1 }
    return Dropout(seed: random.seed, stream: random.stream, probability: probability)
  }

  /// Makes the result of an operation: with a slot when there is a tape and any input requires a gradient.
  package func result(_ storage: Storage, _ shape: Shape, from inputs: [Tensor]) -> Tensor {
    let needed = tape != nil && inputs.contains { $0.slot != nil }
    return Tensor(storage: storage, shape: shape, slot: needed ? GradientSlot(count: shape.count) : nil)
  }
}
