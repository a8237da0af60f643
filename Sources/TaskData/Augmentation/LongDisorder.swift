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
