import Kernels

/// One pass through a model: its tape, whether it is training, and its random bits; passed explicitly, never global.
///
/// Only what parameters enter or bits are drawn by needs one. Arithmetic finds the tape through its operands.
public final class Context {
  /// The tape that trainable parameters bring into the pass; nil in inference, where nothing is recorded or saved.
  public let tape: Tape?
  /// Whether dropout is active.
  public let isTraining: Bool
  /// Where dropout masks come from; its stream moves on with every operation that draws one.
  public private(set) var random: RandomSource
  /// The values that somebody wants to see of the pass; nil keeps none.
  public var taps: Taps?

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
  package func nextDropout(_ probability: Float, starts: [Int32]? = nil) -> DropoutMask {
    precondition(
      probability >= 0 && probability < 1, "A dropout probability lies in 0 ..< 1, found \(probability).")
    guard isTraining, probability > 0 else { return .none }
    defer { random.stream &+= 1 }
    return DropoutMask(
      seed: random.seed, stream: random.stream, firstRow: random.firstRow, probability: probability,
      starts: starts)
  }
}
