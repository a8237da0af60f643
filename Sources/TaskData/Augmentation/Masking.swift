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
