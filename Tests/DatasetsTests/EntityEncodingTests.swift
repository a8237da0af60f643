import Datasets
import ModelFormats
import Testing
import Tokenization

@Suite("Encoding of tagged sentences")
struct EntityEncodingTests {
  let tagSet = TagSet(scheme: .bio, types: ["A", "B"])

  @Test("ids, words and tags are those of transformers with is_split_into_words")
  func golden() throws {
    let tokenizers = try Golden.tokenizers()
    let cases = try #require(try Golden.load("words.json")["cases"]?.arrayValue)
    #expect(cases.count == 16)
    for value in cases {
      try check(value, with: try #require(tokenizers[value["lowercase"]?.boolValue == true]))
    }
  }

  /// Byte-level BPE with `add_prefix_space`; whether texts get a space of their own makes no difference to words.
  @Test("byte-level BPE sees the space before each word, as transformers does", arguments: [false, true])
  func byteLevelGolden(addPrefixSpace: Bool) throws {
    let tokenizer = try Golden.roberta(addPrefixSpace: addPrefixSpace)
    let cases = try #require(try Golden.load("byte_level_words.json")["cases"]?.arrayValue)
    #expect(cases.count == 16)
    for value in cases {
      try check(value, with: tokenizer)
      let words = try #require(value["words"]?.arrayValue).map { try #require($0.stringValue) }
      // What tokens of two sides are aligned by.
      let cutter = tokenizer.forSplitWords
      let offsets = words.flatMap { cutter.encode($0, addSpecialTokens: false).offsets }
      let ends = offsets.flatMap { [$0.lowerBound, $0.upperBound] }
      #expect(ends == (try Golden.integers(value["offsets"])), "\(words)")
    }
  }

  /// Encodes the words of a golden case in one window and compares everything.
  private func check(_ value: JSONValue, with tokenizer: any Tokenizer) throws {
    let words = try #require(value["words"]?.arrayValue).map { try #require($0.stringValue) }
    let tags = try Golden.integers(value["tags"])
    let encoded = try EncodedSentences.encode(
      [TaggedSentence(words: words, tags: tags)], tagSet: tagSet, with: tokenizer, maxLength: 512,
      stride: 0,
      labelAllTokens: value["label_all_tokens"]?.boolValue == true)
    let window = try #require(encoded.windows.first)
    #expect(encoded.windows.count == 1)
    #expect(window.example.ids.map(Int.init) == (try Golden.integers(value["ids"])), "\(words)")
    #expect(window.words == (try Golden.integers(value["word_ids"])), "\(words)")
    guard case .tags(let targets) = window.example.target else {
      Issue.record("no tags for \(words)")
      return
    }
    #expect(targets.map(Int.init) == (try Golden.integers(value["labels"])), "\(words)")
  }

  private let tokenizer = BertTokenizer(
    vocabulary: Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "##a", "##b"]))

  private func targets(_ window: EntityWindow) -> [Int32] {
    if case .tags(let tags) = window.example.target { tags } else { [] }
  }

  @Test("an entity whose first word has no token begins on the next, and the word gets a tag all the same")
  func tokenless() throws {
    // B-A stands on U+200B, which normalises to nothing.
    let sentence = TaggedSentence(
      words: ["\u{200B}", "a", "\u{7}", "b", "c", "\u{200B}"], tags: [1, 2, 2, 2, 0, 3])
    let encoded = try EncodedSentences.encode(
      [sentence], tagSet: tagSet, with: tokenizer, maxLength: 16, stride: 4)
    #expect(encoded.windows[0].example.ids == [2, 5, 6, 7, 3])
    #expect(targets(encoded.windows[0]) == [-100, 1, 2, 0, -100])
    // A word inside an entity belongs to it; one at an edge is outside.
    #expect(encoded.tags(from: [[0, 1, 2, 0, 0]]) == [[0, 1, 2, 2, 0, 0]])
    #expect(encoded.tags(from: [[0, 1, 1, 0, 0]]) == [[0, 1, 0, 1, 0, 0]])
  }

  @Test("long sentences: each word is decided once, by a window that shows it", arguments: [0, 1, 3, 5])
  func windows(stride: Int) throws {
    // Words of one, two and three tokens, with a tokenless one between.
    let words = (0..<40).map { ["a", "ab", "aba", "\u{200B}", "c"][$0 % 5] }
    let tags = (0..<40).map { $0 % 4 == 0 ? 1 : $0 % 4 == 3 ? 0 : 2 }
    let sentences = [
      TaggedSentence(words: ["c"], tags: [3]), TaggedSentence(words: words, tags: tags),
      TaggedSentence(words: ["a", "b"]),
    ]
    let encoded = try EncodedSentences.encode(
      sentences, tagSet: tagSet, with: tokenizer, maxLength: 10, stride: stride)
    #expect(encoded.wordCounts == [1, 40, 2])
    let windows = encoded.windows.filter { $0.sentence == 1 }
    #expect(windows.count > 5)
    #expect(
      windows.allSatisfy { $0.example.length <= 10 && $0.example.ids.first == 2 && $0.example.ids.last == 3 })
    #expect(windows.flatMap { Array($0.owned) } == Array(0..<40))
    for window in windows {
      let shown = Set(window.words)
      #expect(window.owned.allSatisfy { shown.contains($0) || words[$0] == "\u{200B}" })
    }
    for (window, next) in zip(windows, windows.dropFirst()) {
      let shared = next.words.count { $0 >= 0 && window.words.contains($0) }
      #expect(shared <= stride)
    }
    #expect(encoded.windows.last?.example.target == ExampleTarget.none)
    // Perfect predictions give the gold tags back, with the entities as they are among the words that have tokens.
    let predictions = encoded.windows.map { window -> [Int32] in
      let targets = targets(window)
      return targets.isEmpty ? [0, 0, 0, 0] : targets.map { max($0, 0) }
    }
    let joined = encoded.tags(from: predictions)
    #expect(joined[0] == [3] && joined[2] == [0, 0])
    let kept = { (tags: [Int]) in tags.indices.filter { words[$0] != "\u{200B}" }.map { tags[$0] } }
    let gold = tagSet.entities(of: tags).filter { $0.words.contains { words[$0] != "\u{200B}" } }
    #expect(tagSet.entities(of: kept(joined[1])).count == gold.count)
    for (word, tag) in joined[1].enumerated() where words[word] != "\u{200B}" {
      #expect((tag == 0) == (tags[word] == 0), "word \(word)")
    }
  }

  @Test("a word of more tokens than a window has is cut, not dropped")
  func hugeWord() throws {
    let encoded = try EncodedSentences.encode(
      [TaggedSentence(words: ["c", "abababab", "c"], tags: [0, 1, 0])], tagSet: tagSet, with: tokenizer,
      maxLength: 6,
      stride: 2)
    #expect(encoded.windows.map(\.words) == [[-1, 0, -1], [-1, 1, 1, 1, 1, -1], [-1, 2, -1]])
    #expect(encoded.windows.flatMap { targets($0).filter { $0 != -100 } } == [0, 1, 0])
  }

  @Test("every piece of a word carries a tag when asked for, in each scheme")
  func allTokens() throws {
    let set = TagSet(scheme: .bioes, types: ["A"])
    let encoded = try EncodedSentences.encode(
      [
        TaggedSentence(
          words: ["aba", "c", "ab"], tags: set.tags(of: [EntitySpan(type: 0, words: 0..<1)], count: 3))
      ],
      tagSet: set, with: tokenizer, maxLength: 16, stride: 0, labelAllTokens: true)
    // B I E over the pieces of a word that is S by itself.
    #expect(targets(encoded.windows[0]) == [-100, 1, 2, 3, 0, 0, 0, -100])
  }

  @Test(
    "a perfect model's tags are the gold tags, whichever pieces carry them",
    arguments: TaggingScheme.allCases, [false, true])
  func perfectAnswers(scheme: TaggingScheme, labelAllTokens: Bool) throws {
    let set = TagSet(scheme: scheme, types: ["A", "B"])
    // Words of one, two and three pieces alone, side by side, at the end of an entity and inside one.
    let words = ["aba", "c", "ab", "aba", "a", "aba", "aba", "c", "ab", "aba", "b", "a"]
    let entities = [(0, 0..<1), (0, 2..<4), (1, 5..<6), (1, 6..<7), (1, 7..<10), (0, 10..<11)].map {
      EntitySpan(type: $0, words: $1)
    }
    let tags = set.tags(of: entities, count: words.count)
    // All at once, and in windows.
    for maxLength in [64, 9] {
      let encoded = try EncodedSentences.encode(
        [TaggedSentence(words: words, tags: tags)], tagSet: set, with: tokenizer, maxLength: maxLength,
        stride: 3, labelAllTokens: labelAllTokens)
      #expect((encoded.windows.count > 1) == (maxLength == 9))
      let answers = encoded.windows.map { targets($0).map { max($0, 0) } }
      #expect(encoded.tags(from: answers) == [tags], "\(maxLength)")
    }
  }

  @Test("lengths that leave no room are refused")
  func noRoom() {
    let sentences = [TaggedSentence(words: ["a"])]
    #expect(throws: TokenizerError.self) {
      try EncodedSentences.encode(sentences, tagSet: tagSet, with: tokenizer, maxLength: 2, stride: 0)
    }
    #expect(throws: TokenizerError.self) {
      try EncodedSentences.encode(sentences, tagSet: tagSet, with: tokenizer, maxLength: 6, stride: 4)
    }
  }

  @Test("words that differ only in their normal form are cut apart with a cased vocabulary")
  func normalForms() throws {
    let cased = BertTokenizer(
      vocabulary: Vocabulary(["[UNK]", "[CLS]", "[SEP]", "\u{E9}", "e\u{301}"]),
      options: BertTokenizerOptions(stripAccents: false, lowercase: false))
    let encoded = try EncodedSentences.encode(
      [TaggedSentence(words: ["\u{E9}", "e\u{301}"])], tagSet: tagSet, with: cased, maxLength: 8, stride: 0)
    #expect(encoded.windows[0].example.ids == [1, 3, 4, 2])
  }
}
