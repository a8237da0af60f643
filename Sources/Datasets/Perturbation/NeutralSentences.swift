/// Sentences that say nothing of what a text is about.
enum NeutralSentences {
  /// Sentences in English.
  static let english = [
    "This was written on a Tuesday.", "The text has one part.", "It is three in the afternoon.",
    "There is a number on the page.", "The entry was made at a desk.", "This note is from the second week.",
  ]
  /// Sentences in Chinese.
  static let chinese = ["今天是星期二。", "现在是下午三点。", "这段文字共有一段。", "本条编号为三十七。", "内容由键盘输入。", "记录写于第二周。"]

  /// The text with one of them before or behind it.
  static func lengthening(_ units: TextUnits, using random: inout some RandomNumberGenerator) -> String? {
    let text = String(units.characters)
    guard text.contains(where: { !$0.isWhitespace }) else { return nil }
    let sentence = random.pick(units.isChinese ? chinese : english)
    let isBefore = random.chance(0.5)
    if !units.isChinese { return isBefore ? sentence + " " + text : text + " " + sentence }
    let isEnded = text.last.map { $0.isPunctuation || $0.isWhitespace } ?? true
    return isBefore ? sentence + text : text + (isEnded ? "" : "。") + sentence
  }
}
