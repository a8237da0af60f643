import Kernels

/// One pass through a model: its tape, whether it is training, and its random bits; passed explicitly, never global.
///
/// Only what parameters enter or bits are drawn by needs one. Arithmetic finds the tape through its operands.
public final class Context {
  /// The tape that trainable parameters bring into the pass; nil in inference, where nothing is recorded or saved.
  public let tape: Tape?
  /// Whether dropout is active.
  public let isTraining: Bool
  /// The source of dropout masks; its stream moves on with every operation that draws one.
  public internal(set) var random: RandomSource
  /// Whether a model's layers are computed again in the backward pass, and keep nothing but their inputs until then.
  public var recomputes = false
  /// The values that somebody wants to see of the pass; nil keeps none.
  public var taps: Taps?
  /// The parts of the model that the pass goes without; nil leaves none out.
  public var closed: ClosedParts?

  /// A context for one forward (and backward) pass.
  public init(tape: Tape? = nil, isTraining: Bool = false, random: RandomSource = RandomSource(seed: 0)) {
    self.tape = tape
    self.isTraining = isTraining
    self.random = random
  }

  /// A context that records nothing and drops nothing.
  public static var inference: Context { Context() }

  /// The source of one operation's draws, a stream of its own.
  package func nextRandom() -> RandomSource {
    defer { random.stream &+= 1 }
    return random
  }

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

/// Parts of a model that a pass goes without though the model has them, such as those that learnt masks have closed.
public struct ClosedParts: Sendable, Equatable {
  /// Layers, counted from 0, that are passed by: what goes in comes out.
  public let layers: Set<Int>
  /// Hidden features that are left, ascending; nil where all are.
  private let features: [Int32]?
  /// The number of hidden features with those that are closed.
  private let width: Int

  /// Layers that are closed, and the hidden features that are left of so many.
  ///
  /// The closed features of everything that a layer writes must be zero.
  public init(layers: Set<Int>, features: [Int32], of width: Int) {
    (self.layers, self.width) = (layers, width)
    self.features = features.count < width ? features : nil
  }

  /// The features that count in a LayerNorm of so many; nil where all do.
  package func features(of width: Int) -> [Int32]? { width == self.width ? features : nil }
}

/// The values inside a model that somebody wants to see, by name, and what a pass has kept of them.
///
/// A module keeps its own output under its own name, such as `encoder.layer.3.attention.output`, if that is wanted; what nobody
/// asks for is neither kept nor computed. Attention maps have names too: `encoder.layer.3.attention.scores`.
public final class Taps {
  /// The names that are wanted.
  public let names: Set<String>
  /// The values that were kept, by name.
  public private(set) var values: [String: Tensor] = [:]
  /// The attention maps that were kept, by name.
  public private(set) var maps: [String: AttentionMaps] = [:]

  /// Taps that have kept nothing yet.
  public init(_ names: some Sequence<String>) { self.names = Set(names) }

  /// Whether a value is wanted.
  public func wants(_ name: String) -> Bool { names.contains(name) }

  /// Whether one of some values is wanted.
  public func wants(anyOf names: some Sequence<String>) -> Bool { names.contains(where: wants) }

  /// Keeps a value if it is wanted.
  public func keep(_ value: Tensor, as name: String) {
    if wants(name) { values[name] = value }
  }

  /// Keeps what is wanted of what others have kept.
  package func keep(_ other: Taps) {
    for (name, value) in other.values { keep(value, as: name) }
    for (name, maps) in other.maps { keep(maps, as: name) }
  }

  /// Keeps attention maps if they are wanted; nil was not computed.
  public func keep(_ maps: AttentionMaps?, as name: String) {
    if let maps, wants(name) { self.maps[name] = maps }
  }
}

/// The attention maps of a batch: for each sequence, each head and each query, one value per key of that sequence.
public struct AttentionMaps: Sendable {
  /// All maps in one run: sequence after sequence, head after head, row-major [queries, keys].
  public let values: Tensor
  /// The number of heads.
  public let heads: Int
  /// Prefix sums of the queries of each sequence, [sequences + 1].
  public let queryStarts: [Int32]
  /// Prefix sums of the keys of each sequence, [sequences + 1].
  public let keyStarts: [Int32]

  package init(values: Tensor, heads: Int, queryStarts: [Int32], keyStarts: [Int32]) {
    self.values = values
    self.heads = heads
    self.queryStarts = queryStarts
    self.keyStarts = keyStarts
  }
}
