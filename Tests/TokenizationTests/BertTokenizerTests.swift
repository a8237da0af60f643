import ModelFormats
import TestSupport
import Testing
import Tokenization

@Suite struct BertTokenizerTests {
  @Test func textsGiveWhatTokenizersGives() throws {
    let golden = try Golden.load("texts.json")
    let vocabulary = try Golden.vocabulary()
    let texts = try Golden.strings(golden["texts"])
    for entry in try Golden.list(golden["cases"]) {
      let tokenizer = BertTokenizer(vocabulary: vocabulary, options: try Golden.options(entry["flags"]))
      for (text, expected) in zip(texts, try Golden.list(entry["results"])) {
        let comment: Comment = "\(text.debugDescription.prefix(80)) with \(entry["flags"]?.compactText ?? "")"
        let encoding = tokenizer.encode(text)
        try Golden.check(encoding, expected, comment)
        let cheap = tokenizer.encodeIDs(text)
        #expect(cheap.ids == encoding.ids, comment)
        #expect(cheap.segments == encoding.segments, comment)
      }
    }
  }

  @Test func pairsAndTruncationGiveWhatTokenizersGives() throws {
    let tokenizer = BertTokenizer(vocabulary: try Golden.vocabulary())
    for entry in try Golden.list(try Golden.load("truncation.json")) {
      let first = try #require(entry["first"]?.stringValue)
      let second = entry["second"]?.stringValue
      let special = try #require(entry["add"]?.boolValue as Bool?)
      let strategy = try #require(entry["strategy"]?.stringValue.flatMap(TruncationStrategy.init(rawValue:)))
      let truncation = Truncation(
        maxLength: try #require(entry["length"]?.intValue), strategy: strategy,
        stride: try #require(entry["stride"]?.intValue))
      let comment: Comment = "\(entry.compactText)"
      if entry["error"] != nil {
        #expect(throws: TokenizerError.self, comment) {
          try tokenizer.encode(first, pair: second, addSpecialTokens: special, truncation: truncation)
        }
        continue
      }
      let windows = try tokenizer.encodeWindows(
        first, pair: second, addSpecialTokens: special, truncation: truncation)
      try Golden.check(windows[0], entry, comment)
      let overflowing = try Golden.list(entry["overflowing"]).map { try Golden.integers($0) }
      #expect(windows.dropFirst().map { $0.ids.map(Int.init) } == overflowing, comment)
      let encoding = try tokenizer.encode(
        first, pair: second, addSpecialTokens: special, truncation: truncation)
      #expect(encoding == windows[0], comment)
    }
  }

  @Test func impossibleTruncationSaysWhy() throws {
    let tokenizer = BertTokenizer(vocabulary: try Golden.vocabulary())
    let error = #expect(throws: TokenizerError.self) {
      try tokenizer.encode("the film", pair: "was good", truncation: Truncation(maxLength: 2))
    }
    #expect(
      error?.description
        == "cannot truncate: the length 2 leaves no room for the 3 special tokens; allow at least 3")
  }

  @Test func addedTokensAreFoundAsTokenizersFindsThem() throws {
    let golden = try Golden.load("added.json")
    let added = try Golden.list(golden["tokens"]).map { value in
      AddedToken(
        try #require(value["content"]?.stringValue),
        special: try #require(value["special"]?.boolValue as Bool?),
        singleWord: try #require(value["single_word"]?.boolValue as Bool?),
        stripsLeft: try #require(value["lstrip"]?.boolValue as Bool?),
        stripsRight: try #require(value["rstrip"]?.boolValue as Bool?),
        normalized: value["normalized"]?.boolValue)
    }
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map { AddedToken($0, special: true) }
    for entry in try Golden.list(golden["cases"]) {
      let tokenizer = try BertTokenizer(
        vocabulary: try Golden.vocabulary(), options: try Golden.options(entry["flags"]),
        addedTokens: special + added)
      for (text, expected) in zip(try Golden.strings(golden["texts"]), try Golden.list(entry["results"])) {
        try Golden.check(
          tokenizer.encode(text), expected,
          "\(text.debugDescription) with \(entry["flags"]?.compactText ?? "")")
      }
    }
  }

  @Test func theFusedPathEqualsThePlainOne() throws {
    let vocabulary = try Golden.vocabulary()
    var generator = SplitMix(seed: 7)
    let alphabets: [ClosedRange<UInt32>] = [
      0x20...0x7E, 0x00...0x20, 0xA0...0x24F, 0x300...0x36F, 0x1100...0x11FF, 0x3000...0x30FF,
      0x4E00...0x4E80,
      0xAC00...0xAC40, 0xF900...0xF920, 0x302A...0x302F, 0x1D15E...0x1D172, 0x10000...0x10FFFF,
    ]
    for accents in [nil, true, false] as [Bool?] {
      for bits in 0..<8 {
        let options = BertTokenizerOptions(
          cleanText: bits & 1 != 0, handleChineseCharacters: bits & 2 != 0, stripAccents: accents,
          lowercase: bits & 4 != 0)
        let tokenizer = BertTokenizer(vocabulary: vocabulary, options: options)
        for _ in 0..<300 {
          var text = String.UnicodeScalarView()
          for _ in 0..<generator.next(40) {
            let alphabet = alphabets[generator.next(alphabets.count)]
            let value = alphabet.lowerBound + UInt32(generator.next(alphabet.count))
            if let scalar = Unicode.Scalar(value) { text.append(scalar) }
          }
          #expect(tokenizer.encode(String(text)) == tokenizer.encodePlainly(String(text)))
        }
      }
    }
  }

  @Test func batchesDoNotDependOnThreads() throws {
    let tokenizer = BertTokenizer(vocabulary: try Golden.vocabulary())
    let texts = try Golden.strings(try Golden.load("texts.json")["texts"])
    let many = (0..<20).flatMap { _ in texts }
    let expected = many.map { tokenizer.encode($0, pair: "the dog") }
    for threads in [1, 2, 7] {
      let pairs = many.map { _ in "the dog" }
      #expect(tokenizer.encodeBatch(many, pairs: pairs, threads: threads) == expected)
      let ids = try tokenizer.encodeIDsBatch(many, pairs: pairs, threads: threads)
      #expect(ids.map(\.ids) == expected.map(\.ids))
      #expect(ids.map(\.segments) == expected.map(\.segments))
    }
    #expect(tokenizer.encodeBatch([]).isEmpty)
  }

  @Test func specialTokensAreKnownByName() throws {
    let tokenizer = BertTokenizer(vocabulary: try Golden.vocabulary())
    #expect(tokenizer.padID == 0)
    #expect(tokenizer.unkID == 1)
    #expect(tokenizer.clsID == 2)
    #expect(tokenizer.sepID == 3)
    #expect(tokenizer.maskID == 4)
    #expect(tokenizer.token(3) == "[SEP]")
    #expect(tokenizer.id(of: "[MASK]") == 4)
    #expect(tokenizer.token(1_000_000) == nil)
    #expect(tokenizer.addedTokenCount() == 2)
    #expect(tokenizer.addedTokenCount(isPair: true) == 3)
  }
}

/// A small generator of reproducible random numbers.
struct SplitMix {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A number from 0 up to, but not including, `limit`.
  mutating func next(_ limit: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return Int((value ^ value >> 31) % UInt64(limit))
  }
}
