/// A way to make a new text of a given one.
public enum AugmentationMethod: Sendable, Hashable {
  /// Hides words behind the mask token; see `masking(_:p:mask:using:)`.
  case masking(p: Double = 0.1)
  /// Leaves words out; see `deleting(_:p:using:)`.
  case deleting(p: Double = 0.1)
  /// Keeps a few neighbouring words; see `nGramSampling(_:lengths:probabilities:using:)`.
  case nGramSampling(
    lengths: [Int] = [1, 2, 3, 4, 5], probabilities: [Double] = [0.2, 0.2, 0.2, 0.2, 0.2])
  /// Exchanges neighbours; see `shortDisorder(_:p:using:)`.
  case shortDisorder(p: [Double] = [0.9, 0.1, 0, 0, 0])
  /// Exchanges longer pieces; see `longDisorder(_:p:length:using:)`.
  case longDisorder(p: Double = 0.1, length: Double = 20)
  /// Replaces each word with probability `p` by one drawn from all texts as often as it occurs, after the unigram noise of
  /// Xie and others 2017, *Data Noising as Smoothing in Neural Network Language Models*.
  case replacement(p: Double = 0.15)
  /// Puts a comma between two short texts, of which neither then decides alone.
  case joining
  /// Replaces words by what a masked language model finds likely in their place: each word that has candidates, with
  /// probability `p`, by one of its `candidates` (Jiao and others 2020, *TinyBERT*, algorithm 1).
  case maskedLM(p: Double = 0.4, candidates: Int = 15)
  /// Changes texts as a report on robustness does, for what it found.
  case perturbation(Perturbation)

  /// The names, as options and recipes spell them.
  public static let names =
    [
      "masking", "deleting", "n_gram_sampling", "short_disorder", "long_disorder", "replacement", "joining",
      "masked_lm",
    ] + Perturbation.Kind.allCases.map(\.rawValue)

  /// A method with its default parameters; nil for an unknown name.
  public init?(name: String) {
    switch name {
    case "masking": self = .masking()
    case "deleting": self = .deleting()
    case "n_gram_sampling": self = .nGramSampling()
    case "short_disorder": self = .shortDisorder()
    case "long_disorder": self = .longDisorder()
    case "replacement": self = .replacement()
    case "joining": self = .joining
    case "masked_lm": self = .maskedLM()
    default:
      guard let kind = Perturbation.Kind(rawValue: name) else { return nil }
      self = .perturbation(Perturbation(kind))
    }
  }

  /// The name, as options and recipes spell it.
  public var name: String {
    switch self {
    case .masking: "masking"
    case .deleting: "deleting"
    case .nGramSampling: "n_gram_sampling"
    case .shortDisorder: "short_disorder"
    case .longDisorder: "long_disorder"
    case .replacement: "replacement"
    case .joining: "joining"
    case .maskedLM: "masked_lm"
    case .perturbation(let perturbation): perturbation.kind.rawValue
    }
  }

  /// The fault of the parameters; nil when they can be used.
  var fault: String? {
    func probability(_ p: Double) -> String? {
      p >= 0 && p <= 1 ? nil : "p is \(p); expected 0 to 1"
    }
    func distribution(_ weights: [Double], _ key: String) -> String? {
      weights.allSatisfy { $0 >= 0 && $0.isFinite } && weights.contains { $0 > 0 }
        ? nil : "\(key) is \(weights); expected probabilities, not all 0"
    }
    switch self {
    case .masking(let p), .deleting(let p), .replacement(let p): return probability(p)
    case .nGramSampling(let lengths, let probabilities):
      if lengths.isEmpty || lengths.contains(where: { $0 < 1 }) {
        return "l_ng is \(lengths); expected lengths of at least 1"
      }
      if lengths.count != probabilities.count {
        return "p_ng has \(probabilities.count) probabilities; expected one for each of the \(lengths.count) "
          + "lengths of l_ng"
      }
      return distribution(probabilities, "p_ng")
    case .shortDisorder(let p):
      return p.count == 5
        ? distribution(p, "p")
        : "p has \(p.count) probabilities; expected those of abc, bac, cba, cab and bca"
    case .longDisorder(let p, let length):
      return probability(p)
        ?? (length > 0 && length <= 1e9 ? nil : "length is \(length); expected more than 0")
    case .joining: return nil
    case .maskedLM(let p, let candidates):
      return probability(p) ?? (candidates >= 1 ? nil : "candidates is \(candidates); expected at least 1")
    case .perturbation(let perturbation):
      let strength = perturbation.strength
      return strength > 0 && strength <= 1
        ? nil : "strength is \(strength); expected more than 0 and at most 1"
    }
  }
}

/// Replaces each word by a mask with probability `p`, independently of the others.
///
/// `masking` of TextBrewer's `data_utils`, after Tang and others 2019, *Distilling Task-Specific Knowledge from BERT into
/// Simple Neural Networks*.
///
/// - Parameters:
///   - words: Words, tokens or token ids.
///   - p: The probability, 0 to 1.
///   - mask: What stands for a hidden word.
///   - random: Decides the result; one draw a word.
/// - Returns: As many words.
public func masking<Word>(
  _ words: [Word], p: Double = 0.1, mask: Word, using random: inout some RandomNumberGenerator
) -> [Word] {
  precondition(p >= 0 && p <= 1, "Words cannot be masked with probability \(p).")
  return words.map { random.chance(p) ? mask : $0 }
}

/// Leaves out each word with probability `p`, independently of the others; where none would be left, one of them, each as
/// likely as the others, stays.
///
/// `deleting` of TextBrewer's `data_utils`, which may return an empty list.
///
/// - Parameters:
///   - words: Words, tokens or token ids.
///   - p: The probability, 0 to 1.
///   - random: Decides the result.
/// - Returns: Some of the words in their order; none only when none were given.
public func deleting<Word>(
  _ words: [Word], p: Double = 0.1, using random: inout some RandomNumberGenerator
) -> [Word] {
  precondition(p >= 0 && p <= 1, "Words cannot be deleted with probability \(p).")
  let kept = words.filter { _ in !random.chance(p) }
  return kept.isEmpty && !words.isEmpty ? [random.pick(words)] : kept
}

/// Cuts out a run of words: its length is drawn first, then its place, every place as likely as the others.
///
/// `n_gram_sampling` of TextBrewer's `data_utils`, which fails where the words are fewer than the length it drew; here the
/// draw is among the lengths that there are words for, and where none is short enough, all words come back.
///
/// - Parameters:
///   - words: Words, tokens or token ids.
///   - lengths: The possible lengths, each at least 1; TextBrewer's `l_ng`.
///   - probabilities: The probability of each, of any positive sum; TextBrewer's `p_ng`.
///   - random: Decides the result.
/// - Returns: Neighbouring words; none only when none were given.
public func nGramSampling<Word>(
  _ words: [Word], lengths: [Int] = [1, 2, 3, 4, 5], probabilities: [Double] = [0.2, 0.2, 0.2, 0.2, 0.2],
  using random: inout some RandomNumberGenerator
) -> [Word] {
  precondition(
    lengths.count == probabilities.count && lengths.allSatisfy { $0 >= 1 },
    "Each length of at least 1 needs a probability, found \(lengths) and \(probabilities).")
  let possible = lengths.indices.filter { lengths[$0] <= words.count }
  guard let choice = random.choice(possible.map { probabilities[$0] }) else { return words }
  let length = lengths[possible[choice]]
  let start = random.below(words.count - length + 1)
  return Array(words[start..<start + length])
}

extension RandomNumberGenerator {
  /// A position in a list of weights, drawn in proportion to them; nil when their sum is 0.
  mutating func choice(_ weights: [Double]) -> Int? {
    precondition(weights.allSatisfy { $0 >= 0 && $0.isFinite }, "Weights cannot be negative: \(weights).")
    let total = weights.reduce(0, +)
    guard total > 0 else { return nil }
    var rest = uniform() * total
    for (index, weight) in weights.enumerated() where weight > 0 {
      if rest < weight { return index }
      rest -= weight
    }
    // Rounding may leave a last trace of the sum.
    return weights.lastIndex { $0 > 0 }
  }
}

/// Disturbs the order of neighbours: from left to right, at each place, abc stays or becomes bac, cba, cab or bca.
///
/// `bac` moves on by two words, the others of three by three, and `abc` by one. Where only two words are left, every change
/// is their exchange, and a last word stays. `short_disorder` of TextBrewer's `data_utils`.
///
/// - Parameters:
///   - words: Words, tokens or token ids.
///   - p: The probabilities of abc, bac, cba, cab and bca, of any positive sum.
///   - random: Decides the result; one draw a place.
/// - Returns: The same words.
public func shortDisorder<Word>(
  _ words: [Word], p: [Double] = [0.9, 0.1, 0, 0, 0], using random: inout some RandomNumberGenerator
) -> [Word] {
  precondition(p.count == 5, "There are five orders, found \(p.count) probabilities.")
  /// The origin of each of the words of an order.
  let orders = [[0], [1, 0], [2, 1, 0], [2, 0, 1], [1, 2, 0]]
  var result = words
  var place = 0
  while place + 1 < words.count {
    var order = orders[random.choice(p) ?? 0]
    if order.count > 1 && place + 2 == words.count { order = [1, 0] }
    for (offset, source) in order.enumerated() { result[place + offset] = words[place + source] }
    place += order.count
  }
  return result
}

/// Disturbs the order of longer pieces: from left to right, at each place with probability `p`, a window's two halves
/// change places, and the next place is behind it.
///
/// The window's length is rounded up to an even number. `long_disorder` of TextBrewer's `data_utils`, which never returns
/// when the length comes to 0; here a window has at least two words.
///
/// - Parameters:
///   - words: Words, tokens or token ids.
///   - p: The probability, 0 to 1.
///   - length: The window's length in words, or, below 2, as a share of all words.
///   - random: Decides the result; one draw a place.
/// - Returns: The same words.
public func longDisorder<Word>(
  _ words: [Word], p: Double = 0.1, length: Double = 20, using random: inout some RandomNumberGenerator
) -> [Word] {
  precondition(p >= 0 && p <= 1, "Pieces cannot change places with probability \(p).")
  precondition(length > 0 && length <= 1e9, "A window cannot have the length \(length).")
  let wanted = length < 2 ? Double(words.count) * length : length
  let window = max(2, (Int(wanted) + 1) / 2 * 2)
  let half = window / 2
  var result = words
  var place = 0
  while place + window <= words.count {
    if random.chance(p) {
      result.replaceSubrange(
        place..<place + window,
        with: words[place + half..<place + window] + words[place..<place + half])
      place += window
    } else {
      place += 1
    }
  }
  return result
}

/// Words that carry grammar rather than content, which a replacement leaves alone: "not" for "very" changes what a text
/// says, and with it the label that its neighbours have.
///
/// TinyBERT spares a list of English stop words likewise.
package enum FunctionWords {
  /// Whether a word, upper and lower case alike, is one.
  package static func contains(_ word: String) -> Bool { words.contains(word.lowercased()) }

  private static let words = Set(
    (english + " " + chinese).split(whereSeparator: \.isWhitespace).map(String.init))

  private static let english = """
    a an the this that these those some any each every both either neither all no not nor none never only just too
    very so than then as if because while until although though unless whether and or but yet for
    i me my mine myself we us our ours ourselves you your yours yourself he him his himself she her hers herself
    it its itself they them their theirs themselves who whom whose which what when where why how
    am is are was were be been being do does did doing done have has had having
    will would shall should can could may might must cannot
    of at by with about against between into through during before after above below to from up down in out on off
    over under again further once here there s t d ll m re ve don doesn didn isn aren wasn weren won wouldn
    shouldn couldn hasn haven hadn ain
    """

  private static let chinese = """
    的 地 得 了 着 过 吗 呢 吧 啊 呀 么 嘛 之 其 所 者 也 都 就 还 又 再 才 只 很 更 最 太 不 没 无 未 非 别 莫
    是 有 在 和 与 及 或 而 但 且 若 如 因 为 于 以 从 到 向 对 把 被 让 给 比 我 你 您 他 她 它 们 这 那 哪 谁 几
    """
}
