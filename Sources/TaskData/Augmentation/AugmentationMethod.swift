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

  /// The names, as options and recipes spell them.
  public static let names = [
    "masking", "deleting", "n_gram_sampling", "short_disorder", "long_disorder", "replacement", "joining",
    "masked_lm",
  ]

  /// A method with its default parameters; nil for a name that is none.
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
    default: return nil
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
    }
  }

  /// What is wrong with the parameters, nil when they can be used.
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
    }
  }
}
