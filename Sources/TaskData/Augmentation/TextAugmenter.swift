/// Makes new texts of a task's own, for a teacher to label: near the real ones, but not so near that a teacher who knows
/// those by heart is as sure of them.
///
/// Each text comes about in one of three ways:
/// - masking (a quarter of the texts): each word becomes the mask token with probability 0.12, after Tang and others 2019,
///   *Distilling Task-Specific Knowledge from BERT into Simple Neural Networks*;
/// - replacement (35 %): each word becomes, with probability 0.15, a word drawn from all texts as often as it occurs, after
///   the unigram noise of Xie and others 2017, *Data Noising as Smoothing in Neural Network Language Models*;
/// - joining (40 %): two short texts with a comma between them, of which neither decides alone.
///
/// Words are what spaces separate; where most texts have no spaces, as in Chinese, they are characters. Results are never one
/// of the given texts, and never occur twice.
public struct TextAugmenter {
  private let isSpaced: Bool
  private let words: [Substring]
  private let texts: [[Substring]]
  private let short: [[Substring]]
  private let maskToken: Substring
  private var seen: Set<String> = []
  private var random: SplitMix64

  /// Texts of fewer words are not masked or noised while there are longer ones: too little would be left of them.
  private static let leastWords = 8
  /// The number of words of a text that is joined with another.
  private static let shortLengths = 3...14
  /// Draws in a row that bring nothing new before the texts count as used up.
  private static let patience = 1000

  /// An augmenter of some texts; the same texts and seed give the same results on every machine.
  ///
  /// - Parameters:
  ///   - texts: The texts of the task; blank ones are passed over.
  ///   - maskToken: What the tokenizer reads as its mask.
  ///   - seed: Decides the results.
  public init(_ texts: [String], maskToken: String = "[MASK]", seed: UInt64 = 42) {
    let isSpaced = 2 * texts.count { $0.contains(where: \.isWhitespace) } >= texts.count
    let split = texts.map { text in
      isSpaced
        ? text.split(whereSeparator: \.isWhitespace)
        : text.indices.filter { !text[$0].isWhitespace }.map { text[$0...$0] }
    }.filter { !$0.isEmpty }
    let long = split.filter { $0.count >= Self.leastWords }
    self.isSpaced = isSpaced
    self.maskToken = maskToken[...]
    self.texts = long.isEmpty ? split : long
    words = split.flatMap { $0 }
    short = split.filter { Self.shortLengths.contains($0.count) }
    random = SplitMix64(seed)
    seen = Set(split.map(text))
  }

  /// The next text, or nil when the given texts yield nothing new any more.
  public mutating func next() -> String? {
    guard !texts.isEmpty else { return nil }
    for _ in 0..<Self.patience {
      let text = text(draw())
      if seen.insert(text).inserted { return text }
    }
    return nil
  }

  private mutating func draw() -> [Substring] {
    let way = random.uniform()
    if way >= 0.6 && short.count > 1 {
      let first = random.pick(short)
      return first + [isSpaced ? "," : "，"] + random.pick(short)
    }
    let masks = way < 0.25
    var result = random.pick(texts)
    for index in result.indices where random.chance(masks ? 0.12 : 0.15) {
      result[index] = masks ? maskToken : random.pick(words)
    }
    return result
  }

  private func text(_ words: [Substring]) -> String { words.joined(separator: isSpaced ? " " : "") }
}
