/// Negation of a sentence: taken out where one is, else put in; the answer to the text should move with it.
enum Negation {
  /// The text with one negation more or less; nil where no rule says how.
  static func change(_ units: TextUnits, using random: inout some RandomNumberGenerator) -> String? {
    let tries: [(TextUnits) -> [Change]] =
      units.isChinese ? [Chinese.takenOut, Chinese.putIn] : [English.takenOut, English.putIn]
    for changes in tries.map({ $0(units) }) where !changes.isEmpty {
      return units.replacing(random.pick(changes))
    }
    return nil
  }

  /// Places that are replaced together.
  fileprivate typealias Change = [(place: Range<Int>, text: String)]
}

/// Negation in English: not, n't, never and cannot; auxiliaries take a "not".
private enum English {
  private static let auxiliaries: Set = [
    "is", "are", "was", "were", "am", "will", "would", "can", "could", "should", "must", "might", "may",
  ]
  /// Words that a following or attached "'s" makes a sentence of, and not a possessor.
  private static let subjects: Set = ["it", "that", "there", "this", "he", "she", "what", "who", "here"]
  /// Whole forms before a "n't", by what is left without it.
  private static let roots = ["ca": "can", "wo": "will", "sha": "shall"]

  static func takenOut(_ units: TextUnits) -> [Negation.Change] {
    let tokens = units.spaced
    let words = tokens.map { units[$0].lowercased().replacing("’", with: "'") }
    return tokens.indices.compactMap { index in
      let token = tokens[index]
      switch words[index] {
      case "not", "never": return [(without(index, tokens), "")]
      case "cannot": return [(token.upperBound - 3..<token.upperBound, "")]
      case "n't":
        guard index > 0, let root = roots[words[index - 1]] else { return [(without(index, tokens), "")] }
        return [(tokens[index - 1].lowerBound..<token.upperBound, root)]
      case let word where word.hasSuffix("n't") && word.count > 4:
        let rest = units[token.lowerBound..<token.upperBound - 3]
        return [(token, roots[rest.lowercased()].map { Homophones.cased($0, like: rest) } ?? rest)]
      case _: return nil
      }
    }
  }

  /// The token with the space before it, or behind it at the beginning.
  private static func without(_ index: Int, _ tokens: [Range<Int>]) -> Range<Int> {
    if index > 0 { return tokens[index - 1].upperBound..<tokens[index].upperBound }
    let end = tokens.count > 1 ? tokens[1].lowerBound : tokens[0].upperBound
    return tokens[0].lowerBound..<end
  }

  static func putIn(_ units: TextUnits) -> [Negation.Change] {
    let tokens = units.spaced
    let words = tokens.map { units[$0].lowercased().replacing("’", with: "'") }
    return tokens.indices.dropLast().compactMap { index in
      let word = words[index]
      let isSentence =
        auxiliaries.contains(word) || ["'re", "'m", "'ll"].contains { word.hasSuffix($0) }
        || word == "'s" && index > 0 && subjects.contains(words[index - 1])
        || word.hasSuffix("'s") && subjects.contains(String(word.dropLast(2)))
      let end = tokens[index].upperBound
      return isSentence ? [(end..<end, " not")] : nil
    }
  }
}

/// Negation in Chinese: 不, 没 and 没有, but where they are parts of other words.
private enum Chinese {
  private static let out = [("没有", "有"), ("不", ""), ("没", "有")]
  private static let put = [
    ("是", "不是"), ("有", "没有"), ("可以", "不可以"), ("会", "不会"), ("能", "不能"), ("喜欢", "不喜欢"), ("推荐", "不推荐"),
    ("值得", "不值得"), ("满意", "不满意"), ("方便", "不方便"), ("很", "不"), ("非常", "不"), ("比较", "不太"), ("挺", "不太"),
  ]
  /// Words in which these characters are no verb or negation of their own.
  private static let words = split(
    """
    不过 不仅 不但 不管 不同 对不起 差不多 不得不 了不起 不断 不久 不然 不如 不论 不料 不少 不一 不足 要不 不止 不禁 不由 不妨 不便
    不愧 不惜 不只 不时 不错 不得了 来不及 没收 没落 淹没 沉没 出没 埋没 但是 还是 可是 只是 就是 于是 总是 要是 是否 或是 老是 凡是 正是
    所有 只有 还有 具有 拥有 有点 有些 有的 有人 有时 有关 有限 没有 含有 机会 会议 社会 大会 协会 工会 会员 能力 可能 功能 性能 只能
    能量 智能 节能 万能 才能 很多 很少 很难 挺拔
    """)

  static func takenOut(_ units: TextUnits) -> [Negation.Change] {
    changes(units, out, but: words.filter { $0 != Array("没有") })
  }

  static func putIn(_ units: TextUnits) -> [Negation.Change] { changes(units, put, but: words) }

  private static func changes(
    _ units: TextUnits, _ rules: [(from: String, to: String)], but words: [[Character]]
  ) -> [Negation.Change] {
    let text = units.characters
    var taken = Set(words.flatMap { word in places(of: word, in: text).flatMap(\.self) })
    var found: [Negation.Change] = []
    for (from, to) in rules {
      for place in places(of: Array(from), in: text) where taken.isDisjoint(with: place) {
        taken.formUnion(place)
        // 好不好, 有没有: a question, which nothing negates.
        let (before, after) = (place.lowerBound - 1, place.upperBound)
        if before >= 0, after < text.count, text[before] == text[after] { continue }
        let around = [before, after].filter(text.indices.contains).map { text[$0] }
        if around.contains(where: { $0 == "不" || $0 == "没" || $0 == "有" && from == "没有" }) { continue }
        found.append([(place, to)])
      }
    }
    return found
  }

  private static func places(of word: [Character], in text: [Character]) -> [Range<Int>] {
    guard text.count >= word.count else { return [] }
    return (0...text.count - word.count).filter {
      text[$0] == word[0] && text[$0..<$0 + word.count] == word[...]
    }
    .map { $0..<$0 + word.count }
  }

  private static func split(_ text: String) -> [[Character]] {
    text.split(whereSeparator: \.isWhitespace).map { Array($0) }
  }
}
