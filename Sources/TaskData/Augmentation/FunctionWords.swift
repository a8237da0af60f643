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
