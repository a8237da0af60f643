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
  /// Where each of the words of an order comes from.
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
