import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

@Suite struct ByteLevelBPETests {
  @Test func textsAndPairsGiveWhatTokenizersGives() throws {
    let golden = try Golden.load("byte_level.json")
    let pairs = try Golden.list(golden["pairs"]).map { try Golden.strings($0) }
    for (index, entry) in try Golden.list(golden["cases"]).enumerated() {
      let tokenizer = try ByteLevel.tokenizer(entry)
      for (text, expected) in zip(try Golden.strings(entry["texts"]), try Golden.list(entry["results"])) {
        let comment: Comment = "\(text.debugDescription.prefix(80)) in case \(index)"
        let encoding = tokenizer.encode(text)
        try Golden.check(encoding, expected, comment)
        let cheap = tokenizer.encodeIDs(text)
        #expect(cheap.ids == encoding.ids, comment)
        #expect(cheap.segments == encoding.segments, comment)
      }
      for (pair, expected) in zip(pairs, try Golden.list(entry["pairs"])) {
        try Golden.check(tokenizer.encode(pair[0], pair: pair[1]), expected, "\(pair) in case \(index)")
      }
    }
  }

  /// The first token of each window counts as the first of its text where offsets are trimmed.
  @Test func windowsGiveWhatTokenizersGives() throws {
    for entry in try Golden.list(try Golden.load("byte_level.json")["cases"]) {
      let tokenizer = try ByteLevel.tokenizer(entry)
      for item in try Golden.list(entry["windows"]) {
        let text = try #require(item["text"]?.stringValue)
        let windows = try tokenizer.encodeWindows(text, truncation: Truncation(maxLength: 9, stride: 2))
        let expected = try Golden.list(item["windows"])
        #expect(windows.count == expected.count)
        for (window, expected) in zip(windows, expected) { try Golden.check(window, expected, "\(text)") }
      }
    }
  }

  /// Every Unicode scalar behind a letter, a number, a sign and white space.
  @Test func everyScalarSplitsAsTokenizersDoes() throws {
    let golden = try Golden.load("byte_level.json")
    let tokenizer = try ByteLevel.tokenizer(try Golden.list(golden["cases"])[0])
    for (block, expected) in try Golden.strings(golden["splits"]).enumerated() {
      var text = ""
      for value in UInt32(block) << 12..<UInt32(block + 1) << 12 {
        guard let scalar = Unicode.Scalar(value) else { continue }
        text.unicodeScalars.append(contentsOf: [
          "a", scalar, "1", scalar, "!", scalar, " ", scalar, "\t",
        ])
      }
      var digest: UInt64 = 0xcbf2_9ce4_8422_2325
      for word in tokenizer.encode(text, addSpecialTokens: false).wordIndex {
        digest = (digest ^ UInt64(try #require(word))) &* 0x100_0000_01b3
      }
      let hexadecimal = String(digest, radix: 16)
      let padded = String(repeating: "0", count: 16 - hexadecimal.count) + hexadecimal
      #expect(padded == expected, "the scalars from \(String(block << 12, radix: 16)) on")
    }
  }

  /// Long words go another way than short ones, and words seen before a third; all agree with the plain definition.
  @Test func mergesFollowTheirOrder() throws {
    let tokenizer = try ByteLevel.roberta()
    var ranks: [[String]: Int] = [:]
    for (rank, merge) in tokenizer.merges.enumerated() { ranks[[merge.left, merge.right]] = rank }
    var generator = SplitMix(seed: 3)
    let letters = Array("teachrsudnilo").map(String.init)
    for round in 0..<300 {
      let length = 1 + generator.next(round % 3 == 0 ? 200 : 24)
      let word = (0..<length).map { _ in letters[generator.next(letters.count)] }
      var symbols = word
      while true {
        let candidates = symbols.indices.dropLast().compactMap { index in
          ranks[[symbols[index], symbols[index + 1]]].map { (rank: $0, index: index) }
        }
        guard let best = candidates.min(by: { ($0.rank, $0.index) < ($1.rank, $1.index) }) else { break }
        symbols[best.index] += symbols.remove(at: best.index + 1)
      }
      for _ in 0..<2 {
        #expect(tokenizer.encode(word.joined(), addSpecialTokens: false).tokens == symbols)
      }
    }
  }

  /// Quadratic time would take minutes here.
  @Test(.timeLimit(.minutes(1))) func longWordsTakeNoQuadraticTime() throws {
    let tokenizer = try ByteLevel.roberta()
    let word = String(repeating: "student", count: 150_000)
    let encoding = tokenizer.encode(word, addSpecialTokens: false)
    #expect(encoding.offsets.last?.upperBound == word.utf8.count)
    #expect(zip(encoding.offsets, encoding.offsets.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
  }

  @Test func batchesDoNotDependOnThreads() throws {
    let tokenizer = try ByteLevel.roberta()
    let texts = try Golden.strings(try Golden.load("texts.json")["texts"])
    let many = (0..<20).flatMap { _ in texts }
    let expected = many.map { tokenizer.encode($0, pair: "the dog") }
    for threads in [1, 2, 7] {
      let pairs = many.map { _ in "the dog" }
      #expect(tokenizer.encodeBatch(many, pairs: pairs, threads: threads) == expected)
      let ids = try tokenizer.encodeIDsBatch(many, pairs: pairs, threads: threads)
      #expect(ids.map(\.ids) == expected.map(\.ids))
      #expect(ids.allSatisfy { $0.segments.allSatisfy { $0 == 0 } })
    }
  }

  @Test func specialTokensAreKnownByName() throws {
    let tokenizer = try ByteLevel.roberta()
    #expect(tokenizer.clsID == 0)
    #expect(tokenizer.padID == 1)
    #expect(tokenizer.sepID == 2)
    #expect(tokenizer.unkID == 3)
    #expect(tokenizer.maskID == tokenizer.id(of: "<mask>"))
    #expect(tokenizer.maskID.flatMap(tokenizer.token) == "<mask>")
    #expect(tokenizer.addedTokenCount() == 2)
    #expect(tokenizer.addedTokenCount(isPair: true) == 4)
    #expect(tokenizer.idLimit == tokenizer.vocabulary.count)
  }
}

/// The byte-level BPE tokenizers of the golden files.
enum ByteLevel {
  static var vocabulary: JSONValue { get throws { try Golden.load("byte_level_vocab.json") } }

  static var merges: String {
    get throws {
      try String(contentsOf: Fixtures.url("tokenization/byte_level_merges.txt"), encoding: .utf8)
    }
  }

  /// The `tokenizer.json` of a case of `byte_level.json`.
  static func document(_ entry: JSONValue) throws -> JSONValue {
    var document = try #require(entry["document"]?.objectValue)
    var model = try #require(document["model"]?.objectValue)
    model["vocab"] = try vocabulary
    model["merges"] = .array(
      try merges.split(separator: "\n").dropFirst().map { line in
        .array(line.split(separator: " ").map { .string(String($0)) })
      })
    document["model"] = .object(model)
    return .object(document)
  }

  /// The tokenizer of a case of `byte_level.json`.
  static func tokenizer(_ entry: JSONValue) throws -> any Tokenizer {
    try withFolder(["tokenizer.json": try document(entry).compactText]) { try loadTokenizer(directory: $0) }
  }

  /// The files that RoBERTa's older folders have.
  static var files: [String: String] {
    get throws { ["vocab.json": try vocabulary.compactText, "merges.txt": try merges] }
  }

  /// RoBERTa's tokenizer over the small vocabulary.
  static func roberta() throws -> ByteLevelBPETokenizer {
    try withFolder(try files) { try ByteLevelBPETokenizer(directory: $0) }
  }

  /// Makes a folder with the given files, hands it to the body and removes it.
  static func withFolder<Result>(_ files: [String: String], _ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "potstill-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    return try body(folder)
  }
}
