/// How new texts are made of a task's own, so exactly that they can be made again.
public struct AugmentationRecipe: Sendable, Hashable {
  /// A method with its share of the new texts.
  public struct Part: Sendable, Hashable {
    /// The method.
    public var method: AugmentationMethod
    /// Its share, in proportion to the other methods'.
    public var weight: Double

    /// A method with its share, a positive number.
    public init(_ method: AugmentationMethod, weight: Double = 1) {
      self.method = method
      self.weight = weight
    }
  }

  /// How many texts are made.
  public enum Amount: Sendable, Hashable {
    /// So many in all, each of a text drawn at random.
    case count(Int)
    /// So many of each text, as TinyBERT's N; fewer where a text yields no more that are new.
    case copies(Int)
    /// As many as there are texts, each of a text drawn at random.
    case asManyAsGiven
  }

  /// The methods, of which each new text takes one.
  public var parts: [Part]
  /// How many texts are made.
  public var amount: Amount
  /// What decides the results.
  public var seed: UInt64
  /// What the models' tokenizer reads as its mask.
  public var maskToken: String

  /// A recipe.
  public init(
    _ parts: [Part] = standard, amount: Amount = .asManyAsGiven, seed: UInt64 = 42,
    maskToken: String = "[MASK]"
  ) {
    self.parts = parts
    self.amount = amount
    self.seed = seed
    self.maskToken = maskToken
  }

  /// Masking (a quarter of the texts), replacement (35 %) and joining (40 %): near the real texts, but not so near that a
  /// teacher who knows those by heart is as sure of them.
  public static let standard: [Part] = [
    Part(.masking(p: 0.12), weight: 0.25), Part(.replacement(), weight: 0.35), Part(.joining, weight: 0.4),
  ]

  /// The largest number of candidates that a method wants of a masked language model; nil when none wants any.
  public var maskedCandidates: Int? {
    parts.compactMap { if case .maskedLM(_, let candidates) = $0.method { candidates } else { nil } }.max()
  }
}
