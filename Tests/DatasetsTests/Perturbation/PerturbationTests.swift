import Datasets
import Testing

/// Rows that tests change.
enum PerturbedTexts {
  static let english = [
    "it 's a charming and often affecting journey .", "unflinchingly bleak and desperate",
    "allows us to hope that nolan is poised to embark a major career as a commercial yet inventive filmmaker .",
    "the acting , costumes , music , cinematography and sound are all astounding given the production 's austere locales .",
    "it 's slow -- very , very slow .",
    "although laced with humor and a few fanciful touches , the film is serious",
    "You don't need to know your music to appreciate the film's easygoing blend of comedy and romance.",
    "Their whole story is told in two hours; would I see it there again? No!",
    "no movement , no yuks , not much of anything .",
  ]
  static let chinese = [
    "这家酒店的房间很干净，早餐也好，服务员非常热情。", "书写得不错，值得一读再读。", "交通不方便，房间里没有窗户！", "屏幕有点小，但是价格可以接受。",
    "已经住过三次了，每次都是满意而归，下次还会选择这里。", "电池用了两个小时就没电，散热也差，不推荐购买。",
  ]
}

@Suite("Perturbations of texts")
struct PerturbationTests {
  private func change(_ kind: Perturbation.Kind, _ text: String, seed: UInt64 = 1, strength: Double = 0.1)
    -> String?
  {
    var random = SplitMix64(seed)
    return Perturbation(kind, strength: strength)(text, using: &random)
  }

  private static let both = PerturbedTexts.english + PerturbedTexts.chinese

  @Test("give the same text for the same seed, on every machine")
  func goldens() {
    let (english, chinese) = (PerturbedTexts.english[3], PerturbedTexts.chinese[0])
    let start = "the acting , costumes , music , cinematography and sound are"
    let end = "astounding given the production 's austere locales ."
    let expected: [(Perturbation.Kind, String, String)] = [
      (.typos, english, english.replacing("graphy", with: "grpahy")),
      (.letterCase, english, english.uppercased()),
      (
        .punctuation, english,
        english.filter { !",.".contains($0) }.replacing("  ", with: " ").replacing(
          "locales ", with: "locales")
      ),
      (.homophones, english, start + " awl " + end),
      (.similarShapes, english, english.replacing(" and ", with: " ancl ")),
      (.wordOrder, english, english.replacing("austere locales", with: "locales austere")),
      (.negation, english, start + " not all " + end),
      (.shortening, english, "the acting , costumes , music , cinematography and sound"),
      (.lengthening, english, english + " It is three in the afternoon."),
      (.punctuation, chinese, "这家酒店的房间很干净，，早餐也好，，服务员非常热情。。"),
      (.homophones, chinese, "这家酒店的防间很干净，早餐也好，服务员非尝热情。"),
      (.similarShapes, chinese, "这家酒店的肩间很干净，早餐也好，服务员非常热请。"),
      (.wordOrder, chinese, "这家酒店的间房很干净，早餐也好，服务员非常热情。"),
      (.negation, chinese, "这家酒店的房间不干净，早餐也好，服务员非常热情。"), (.shortening, chinese, "这家酒店的房间很干净，早"),
      (.lengthening, chinese, "这家酒店的房间很干净，早餐也好，服务员非常热情。这段文字共有一段。"),
    ]
    for (kind, text, changed) in expected {
      #expect(change(kind, text) == changed, "\(kind.rawValue)")
    }
  }

  @Test("never give an empty or an unchanged text", arguments: Perturbation.Kind.allCases)
  func changes(_ kind: Perturbation.Kind) {
    let edges = [
      "", " ", ".", "a", "。", "好", "not", "n't", "不", "a b", "  two  words  ", "\u{1F600}", "é\u{301}e",
      "1 0", "...", "can't",
    ]
    for text in Self.both + edges {
      for seed in 0..<40 {
        guard let changed = change(kind, text, seed: UInt64(seed), strength: seed % 2 == 0 ? 0.1 : 1) else {
          continue
        }
        #expect(changed != text && changed.contains { !$0.isWhitespace }, "\(kind.rawValue): \(text)")
      }
    }
    #expect(change(kind, "") == nil && change(kind, "  ") == nil)
  }

  @Test(
    "change at most the share of words that the strength says",
    arguments: [Perturbation.Kind.typos, .homophones, .similarShapes, .wordOrder])
  func strengths(_ kind: Perturbation.Kind) {
    var changedRows = 0
    for text in PerturbedTexts.english {
      let words = text.split(separator: " ")
      let count = text.split { !$0.isLetter && !$0.isNumber && $0 != "'" }.count
      for (seed, strength) in [(1, 0.1), (2, 0.25), (3, 0.6), (4, 1)] {
        guard let changed = change(kind, text, seed: UInt64(seed), strength: strength) else { continue }
        let others = changed.split(separator: " ")
        #expect(others.count == words.count)
        let moved = zip(words, others).count { $0 != $1 }
        let least = kind == .wordOrder ? 2 : 1
        #expect(moved >= 1 && moved <= max(least, Int(Double(count) * strength)), "\(text): \(changed)")
        changedRows += 1
      }
    }
    #expect(changedRows >= 20)
    for text in PerturbedTexts.chinese where kind != .typos {
      let characters = Array(text)
      let count = characters.count { $0.isLetter }
      for (seed, strength) in [(1, 0.1), (2, 0.3), (3, 1)] {
        guard let changed = change(kind, text, seed: UInt64(seed), strength: strength).map({ Array($0) })
        else {
          Issue.record("\(kind.rawValue) leaves \(text)")
          continue
        }
        let moved = zip(characters, changed).count { $0 != $1 }
        #expect(changed.count == characters.count && moved >= 1)
        #expect(moved <= max(kind == .wordOrder ? 2 : 1, Int(Double(count) * strength)), "\(text)")
      }
    }
  }

  @Test("are for English, for Chinese, or for both")
  func languages() {
    for kind in Perturbation.Kind.allCases {
      let isLatin = kind == .typos || kind == .letterCase
      #expect(PerturbedTexts.chinese.allSatisfy { (change(kind, $0) == nil) == isLatin } || kind == .negation)
      let unchanged = PerturbedTexts.english.filter { change(kind, $0) == nil }
      // One row has no mark, one neither negation nor auxiliary, four no word that sounds like another.
      let rest: [Perturbation.Kind: Int] = [.punctuation: 1, .negation: 1, .homophones: 4]
      let most = rest[kind] ?? 0
      #expect(unchanged.count <= most, "\(kind.rawValue): \(unchanged)")
    }
    #expect(PerturbedTexts.chinese.allSatisfy { change(.negation, $0) != nil })
    #expect(change(.typos, "我喜欢iPhone手机")?.hasPrefix("我喜欢i") == true)
  }

  @Test("slip on keys without touching first letters, short words and capitals")
  func typos() {
    var forms: Set<String> = []
    for seed in 0..<300 {
      let changed = change(.typos, "the Film is odd", seed: UInt64(seed)) ?? ""
      #expect(changed.hasPrefix("the F") && changed.hasSuffix(" is odd"))
      forms.insert(String(changed.split(separator: " ")[1]))
    }
    // A neighbouring key, two letters exchanged, one left out, one doubled.
    #expect(forms.isSuperset(of: ["Fulm", "Flim", "Flm", "Fillm"]) && !forms.contains("Film"))
    #expect(change(.typos, "FILM", seed: 3)?.allSatisfy(\.isUppercase) == true)
    #expect(change(.typos, "a b in 2024 isn") == nil)
  }

  @Test("write all small, all capital, or each word with a capital")
  func cases() {
    let forms = Set((0..<40).compactMap { change(.letterCase, "It's a GOOD film", seed: $0) })
    #expect(forms == ["it's a good film", "IT'S A GOOD FILM", "It's A Good Film"])
    #expect(Set((0..<40).compactMap { change(.letterCase, "good", seed: $0) }) == ["GOOD", "Good"])
  }

  @Test("leave marks out, double them, or write them in the other width")
  func marks() {
    func forms(_ text: String) -> Set<String> {
      Set((0..<60).compactMap { change(.punctuation, text, seed: $0) })
    }
    #expect(forms("slow , at 3.5 .") == ["slow at 3.5", "slow ,, at 3.5 .."])
    #expect(forms("Good, it's new!") == ["Good it's new", "Good,, it's new!!"])
    #expect(forms("好，很好。") == ["好很好", "好，，很好。。", "好,很好."])
    #expect(forms("好,很好!") == ["好很好", "好,,很好!!", "好，很好！"])
    #expect(forms("no marks").isEmpty && forms("...") == ["......"])
  }

  @Test("write what sounds and looks the same")
  func substitutions() {
    func forms(_ kind: Perturbation.Kind, _ text: String) -> Set<String> {
      Set((0..<200).compactMap { change(kind, text, seed: $0) })
    }
    #expect(forms(.homophones, "their") == ["there", "they're"])
    #expect(forms(.homophones, "Its") == ["It's"] && forms(.homophones, "WHOLE") == ["HOLE"])
    #expect(forms(.homophones, "在") == ["再", "载"] && forms(.homophones, "她") == ["他", "它"])
    #expect(forms(.homophones, "xyz 囧").isEmpty)
    #expect(forms(.similarShapes, "未") == ["末"] && forms(.similarShapes, "己") == ["已", "巳"])
    #expect(forms(.similarShapes, "ox") == ["0x"] && forms(.similarShapes, "rn").isSuperset(of: ["m", "rh"]))
    #expect(forms(.homophones, "在 their").count == 4)
  }

  @Test("put a negation in, or take it out")
  func negations() {
    func forms(_ text: String) -> Set<String> {
      Set((0..<60).compactMap { change(.negation, text, seed: $0) })
    }
    for (text, negated) in [
      ("the film is good", "the film is not good"), ("the film is not good", "the film is good"),
      ("it 's a film", "it 's not a film"), ("It's a film", "It's not a film"), ("a film 's end", nil),
      ("i do n't like it", "i do like it"), ("you ca n't stop", "you can stop"), ("Won't do", "Will do"),
      ("we can't stop", "we can stop"), ("it isn’t bad", "it is bad"), ("he cannot act", "he can act"),
      ("never dull", "dull"), ("not", nil), ("good film", nil),
      ("房间很干净", "房间不干净"), ("不推荐", "推荐"), ("没有窗户", "有窗户"), ("电池没电", "电池有电"), ("但是好看", nil),
      ("不错的书", nil), ("好不好", nil), ("有没有", nil), ("我是学生", "我不是学生"), ("值得一读", "不值得一读"),
    ] as [(String, String?)] {
      #expect(forms(text) == (negated.map { [$0] } ?? []), "\(text)")
    }
  }

  @Test("keep the first half, or add a neutral sentence at one end")
  func lengths() {
    #expect(change(.shortening, "one two three four five") == "one two three")
    #expect(change(.shortening, "很好很好。") == "很好" && change(.shortening, "one") == nil)
    for (text, isChinese) in [("a good film", false), ("很好", true)] {
      let forms = Set((0..<200).compactMap { change(.lengthening, text, seed: $0) })
      #expect(forms.count == 12 && forms.allSatisfy { $0.hasPrefix(text) != $0.hasSuffix(text) })
      #expect(forms.allSatisfy { $0.contains(" ") != isChinese })
      #expect(!isChinese || forms.contains("很好。今天是星期二。"))
    }
  }

  @Test("change a row by its number in the file, whatever rows stand before it")
  func rows() throws {
    let rows = (PerturbedTexts.english + PerturbedTexts.chinese).enumerated().map {
      TextExample(text: $1, label: $0 % 2, line: $0 + 2, row: $0)
    }
    for kind in Perturbation.Kind.allCases {
      let perturbation = Perturbation(kind)
      let (all, places) = try perturbation.changed(.texts(rows), seed: 5)
      let (again, _) = try perturbation.changed(.texts(rows), seed: 5)
      #expect(all == again && all.count == places.count && places == places.sorted())
      let (reversed, _) = try perturbation.changed(.texts(rows.reversed()), seed: 5)
      guard case .texts(let texts) = all, case .texts(let others) = reversed else { return }
      #expect(texts == others.reversed(), "\(kind.rawValue)")
      for (text, place) in zip(texts, places) {
        #expect(text.text != rows[place].text && text.row == place && text.line == rows[place].line)
        #expect(text.target == (kind == .negation ? .none : rows[place].target))
      }
      let (other, _) = try perturbation.changed(.texts(rows), seed: 6)
      #expect(kind == .shortening || other != all, "\(kind.rawValue)")
    }
  }

  @Test("change both texts of a pair, and negate one")
  func pairs() throws {
    let pair = TextExample(text: "the film is good", pair: "the book is fine", label: 1)
    func changed(_ kind: Perturbation.Kind, _ row: TextExample) throws -> TextExample? {
      guard case .texts(let texts) = try Perturbation(kind).changed(.texts([row]), seed: 1).rows else {
        return nil
      }
      return texts.first
    }
    let typos = try #require(try changed(.typos, pair))
    #expect(typos.text != pair.text && typos.pair != pair.pair && typos.label == 1)
    let negated = try #require(try changed(.negation, pair))
    #expect(negated.text == "the film is not good" && negated.pair == pair.pair && negated.target == .none)
    let second = TextExample(text: "a film", pair: "the book is fine", label: 1)
    #expect(try changed(.negation, second)?.pair == "the book is not fine")
    #expect(try changed(.negation, TextExample(text: "a film", pair: "a book", label: 1)) == nil)
  }

  @Test("keep the words of a sentence and their tags, or say which changes do")
  func sentences() throws {
    let sentences: [TaggedSentence] = [
      TaggedSentence(words: ["Angela", "Merkel", "visited", "New York", "."], tags: [1, 2, 0, 3, 0]),
      TaggedSentence(words: ["北", "京", "再", "见"], tags: [1, 2, 0, 0], line: 7),
      TaggedSentence(words: ["."], tags: [0]),
    ]
    for kind in Perturbation.Kind.allCases where kind.keepsWords {
      let (rows, places) = try Perturbation(kind, strength: 1).changed(.sentences(sentences), seed: 1)
      guard case .sentences(let changed) = rows else { return }
      #expect(!changed.isEmpty)
      for (sentence, place) in zip(changed, places) {
        let before = sentences[place]
        #expect(sentence.words != before.words && sentence.words.count == before.words.count)
        #expect(sentence.tags == before.tags && sentence.line == before.line)
      }
    }
    func message(_ kind: Perturbation.Kind, _ rows: TaskExamples) -> String {
      do {
        _ = try Perturbation(kind).changed(rows, seed: 1)
        return ""
      } catch { return "\(error)" }
    }
    #expect(
      message(.wordOrder, .sentences(sentences)).contains("do are typos, case, homophones, similar_shapes"))
    #expect(message(.typos, .questions([])).contains("answers stand at places"))
  }
}
