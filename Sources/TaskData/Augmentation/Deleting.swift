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
