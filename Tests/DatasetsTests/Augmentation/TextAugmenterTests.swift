import Datasets
import ModelFormats
import Testing

@Suite("Text augmentation")
struct TextAugmenterTests {
  static let english = [
    "a gripping and funny film from its first to its last minute",
    "the plot has more holes than a sieve and half the charm", "dull and slow", "a lovely , quiet thing",
  ]

  private func rows(_ texts: [String]) -> TaskExamples {
    .texts(texts.map { TextExample(text: $0, label: 1) })
  }

  private func make(
    _ rows: TaskExamples, _ methods: String?, _ amount: AugmentationRecipe.Amount, seed: UInt64 = 1,
    candidates: MaskedCandidates? = nil
  ) throws -> [TextExample] {
    var recipe = AugmentationRecipe(amount: amount, seed: seed)
    if let methods { recipe.parts = try AugmentationRecipe.parts(reading: methods) }
    var augmenter = try TextAugmenter(rows, recipe: recipe, candidates: candidates)
    guard case .texts(let made) = augmenter.makeAll() else { return [] }
    return made
  }

  private func take(_ count: Int, _ texts: [String], seed: UInt64 = 1) throws -> [String] {
    try make(rows(texts), nil, .count(count), seed: seed).map(\.text)
  }

  @Test("gives new texts of known words, each once, without labels, the same for the same seed")
  func english() throws {
    let texts = try take(300, Self.english)
    #expect(texts.count == 300 && Set(texts).count == 300)
    #expect(Set(texts).isDisjoint(with: Self.english))
    let words = Set(Self.english.joined(separator: " ").split(separator: " "))
    for text in texts {
      #expect(text.split(separator: " ").allSatisfy { words.contains($0) || $0 == "[MASK]" || $0 == "," })
    }
    #expect(try texts == take(300, Self.english))
    #expect(try texts != take(300, Self.english, seed: 2))
    #expect(try make(rows(Self.english), nil, .asManyAsGiven).map(\.target) == [.none, .none, .none, .none])
  }

  @Test("masks, replaces and joins, in about the promised shares")
  func shares() throws {
    let texts = try take(
      2000, Self.english + (0..<40).map { "number \($0) of a long row of quite different texts here" })
    let masked = texts.count { $0.contains("[MASK]") }
    #expect((400...600).contains(masked))
    // Only a joined text is longer than the longest given one.
    #expect(texts.contains { $0.split(separator: " ").count > 12 })
    // Masking and replacing keep the number of words.
    #expect(texts.count { $0.split(separator: " ").count == 11 } > 200)
  }

  @Test("takes characters where texts have no spaces, and leaves foreign words whole")
  func chinese() throws {
    let texts = try take(100, ["这家酒店的房间很干净，早餐也好", "服务态度差", "书写得不错，值得一读再读"])
    #expect(texts.count == 100)
    #expect(texts.allSatisfy { !$0.contains(" ") })
    #expect(texts.contains { $0.contains("[MASK]") })
    #expect(texts.contains { $0.hasPrefix("服务态度差，") })
    let mixed = try make(
      rows(["我喜欢iPhone手机", "这书真好"]), #"[{"method": "short_disorder", "p": [0, 1, 0, 0, 0]}]"#, .copies(1))
    #expect(mixed.map(\.text) == ["喜我iPhone欢机手", "书这好真"])
  }

  @Test("ends when there is nothing new")
  func exhaustion() throws {
    #expect(try take(10, []) == [])
    #expect(try take(10, ["", " "]) == [])
    #expect(try take(10, ["good "]) == ["[MASK]"])
    #expect(try make(rows(["one two"]), "short_disorder", .copies(50)).map(\.text) == ["two one"])
  }

  @Test("changes both texts of a pair and the words of a sentence")
  func otherRows() throws {
    let pair = TextExample(text: "a b c d e f g h", pair: "i j k l m n o p", label: 0)
    let made = try make(.texts([pair]), "deleting", .copies(40))
    #expect(made.count > 20)
    for row in made {
      let (first, second) = (row.text.split(separator: " "), (row.pair ?? "").split(separator: " "))
      #expect(first.allSatisfy { "a"..."h" ~= String($0) } && second.allSatisfy { "i"..."p" ~= String($0) })
    }
    #expect(made.contains { $0.pair != pair.pair } && made.contains { $0.text != pair.text })
    var augmenter = try TextAugmenter(
      .sentences([TaggedSentence(words: ["北", "京", "New York"], tags: [1, 2, 0])]),
      recipe: AugmentationRecipe([.init(.longDisorder(p: 1, length: 2))], amount: .copies(1)))
    #expect(augmenter.makeAll() == .sentences([TaggedSentence(words: ["京", "北", "New York"])]))
  }

  @Test("makes texts by the changes of a report on robustness")
  func perturbations() throws {
    #expect(
      try make(rows(["the film is good"]), "negation", .copies(3)).map(\.text) == ["the film is not good"])
    let strong = try make(
      rows(Self.english), #"{"method": "homophones", "strength": 1}"#, .copies(30)
    ).map(\.text)
    let plot = "the plot has moor holes than a sieve and half the charm"
    let film = "a gripping and funny film from it's first too it's last minute"
    #expect(Set(strong) == [plot, film, film.replacing("too", with: "two")])
    let pair = TextExample(text: "it is good", pair: "it was bad", label: 0)
    let made = try make(.texts([pair]), "negation,shortening", .copies(20))
    #expect(made.contains { $0.text == "it is not good" && $0.pair == "it was bad" && $0.target == .none })
    #expect(made.contains { $0.text == "it is" && $0.pair == "it was" })
    #expect(try make(rows(["房间很好，早餐也好", "书很好"]), "shortening", .copies(1)).map(\.text) == ["房间很好", "书很"])
    let sentence = TaskExamples.sentences([TaggedSentence(words: ["Merkel", "New York"], tags: [1, 1])])
    var augmenter = try TextAugmenter(
      sentence, recipe: AugmentationRecipe([.init(.perturbation(Perturbation(.typos)))], amount: .copies(1)))
    guard case .sentences(let words) = augmenter.makeAll() else { return }
    #expect(words.count == 1 && words[0].words.count == 2 && words[0].tags == nil)
    let refused = AugmentationRecipe([.init(.perturbation(Perturbation(.negation)))])
    #expect(throws: AugmentationError.self) { try TextAugmenter(sentence, recipe: refused) }
  }

  @Test("asks for candidates once a text, and draws among the likeliest")
  func maskedModel() throws {
    var asked = 0
    let made = try make(
      rows(["a good film"]), #"{"method": "masked_lm", "p": 1, "candidates": 2}"#, .copies(9)
    ) { words in
      asked += 1
      #expect(words == ["a", "good", "film"])
      return [1: ["fine", "great", "bad"], 2: ["book"]]
    }
    #expect(asked == 1)
    #expect(Set(made.map(\.text)) == ["a fine book", "a great book"])
  }

  @Test("refuses what cannot be done, all faults together")
  func faults() {
    func message(_ body: () throws -> Void) -> String {
      do {
        try body()
        return ""
      } catch { return "\(error)" }
    }
    let bad = message {
      _ = try AugmentationRecipe.parts(
        reading: #"["maskin", {"method": "deleting", "p": 2}, {"method": "masking", "q": 1}, "joining:0"]"#)
    }
    #expect(
      bad.contains("4 faults") && bad.contains("did you mean masking?") && bad.contains("expected 0 to 1"))
    #expect(bad.contains("q is no parameter; it has weight, p") && bad.contains("joining:2"))
    let pair = TaskExamples.texts([TextExample(text: "a", pair: "b", label: nil)])
    let unsuited = message { _ = try make(pair, "joining,masked_lm", .copies(1)) }
    #expect(unsuited.contains("single texts") && unsuited.contains("--mlm-model"))
    #expect(message { _ = try make(.questions([]), nil, .copies(1)) }.contains("--unlabelled-file"))
    #expect(message { _ = try AugmentationRecipe.parts(reading: "") }.contains("no method is named"))
  }

  @Test("writes methods so that reading gives the same ones")
  func json() throws {
    let text =
      #"[{"method": "long_disorder", "length": 0.5}, "masking:2", {"method": "n_gram_sampling", "l_ng": [2], "p_ng": [1]}, "short_disorder", "masked_lm", "replacement", "joining", "deleting", "case", "punctuation", "negation", "shortening", "lengthening", "typos", "homophones", "word_order", {"method": "similar_shapes", "strength": 0.3}]"#
    let parts = try AugmentationRecipe.parts(reading: text)
    #expect(parts[0].method == .longDisorder(p: 0.1, length: 0.5) && parts[1].weight == 2)
    #expect(parts.map(\.method.name).sorted() == AugmentationMethod.names.sorted())
    let written = AugmentationRecipe(parts).partsJSON.compactText
    #expect(try AugmentationRecipe.parts(reading: written) == parts)
  }
}
