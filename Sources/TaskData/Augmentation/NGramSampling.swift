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
