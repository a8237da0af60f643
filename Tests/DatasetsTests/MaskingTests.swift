import Datasets
import Foundation
import Tasks
import TestSupport
import Testing
import Tokenization

@Suite("Masked language model data")
struct MaskingTests {
  private let tokenizer = BertTokenizer(
    vocabulary: Vocabulary(
      [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##aff", "##able", "a", "b", "北", "京", "大", "学",
        "生",
      ]))

  private func example(_ ids: [Int32]) -> EncodedExample {
    EncodedExample(ids: ids, segments: ids.map { _ in 0 })
  }

  private func chosen(_ example: EncodedExample) -> [Int] {
    guard case .tags(let targets) = example.target else { return [] }
    return targets.indices.filter { targets[$0] != EncodedExample.noLabel }
  }

  @Test("15 % of the tokens are chosen, 80/10/10, special tokens never; targets are the ids behind")
  func rates() throws {
    let masker = try TokenMasker(tokenizer: tokenizer)
    let ids: [Int32] = [2] + (0..<400).map { 8 + Int32($0 % 7) } + [3, 1]
    var counts = (chosen: 0, masked: 0, kept: 0)
    var replacements: Set<Int32> = []
    for index in 0..<200 {
      let masked = masker.mask(example(ids), epoch: 0, index: index)
      guard case .tags(let targets) = masked.target else { throw Missing() }
      for place in ids.indices {
        if targets[place] == EncodedExample.noLabel {
          #expect(masked.ids[place] == ids[place])
          continue
        }
        #expect(targets[place] == ids[place] && place != 0 && place < 401)
        counts.chosen += 1
        if masked.ids[place] == 4 {
          counts.masked += 1
        } else if masked.ids[place] == ids[place] {
          counts.kept += 1
        } else {
          replacements.insert(masked.ids[place])
        }
      }
    }
    // 80,000 tokens: 12,000 +- 101 (one standard deviation) chosen.
    #expect(abs(counts.chosen - 12_000) < 500)
    #expect(abs(Double(counts.masked) / Double(counts.chosen) - 0.8) < 0.02)
    // A tenth stays, and a tenth of what is drawn at random is the token itself.
    #expect(abs(Double(counts.kept) / Double(counts.chosen) - 0.11) < 0.02)
    #expect(replacements == Set(5...14))
  }

  struct Missing: Error {}

  @Test("the choice depends on seed, epoch and index alone")
  func determinism() throws {
    let masker = try TokenMasker(tokenizer: tokenizer, seed: 7)
    let text = example([2] + [Int32](repeating: 8, count: 100) + [3])
    let first = masker.mask(text, epoch: 1, index: 5)
    #expect(try first == TokenMasker(tokenizer: tokenizer, seed: 7).mask(text, epoch: 1, index: 5))
    #expect(first != masker.mask(text, epoch: 2, index: 5))
    #expect(first != masker.mask(text, epoch: 1, index: 6))
    #expect(try first != TokenMasker(tokenizer: tokenizer, seed: 8).mask(text, epoch: 1, index: 5))
  }

  @Test("something is chosen in a short sequence, nothing where all is special")
  func short() throws {
    let masker = try TokenMasker(tokenizer: tokenizer, probability: 0.001)
    for index in 0..<50 {
      #expect(chosen(masker.mask(example([2, 8, 9, 3]), epoch: 0, index: index)).count == 1)
    }
    #expect(chosen(masker.mask(example([2, 3]), epoch: 0, index: 0)).isEmpty)
  }

  @Test("whole words: pieces together, Chinese words by a lexicon")
  func wholeWords() throws {
    // un ##aff ##able a 北 京 大 学 生 b
    let text = example([2, 5, 6, 7, 8, 10, 11, 12, 13, 14, 9, 3])
    func groups(_ segmenter: WordSegmenter?) throws -> Set<[Int]> {
      let masker = try TokenMasker(
        tokenizer: tokenizer, probability: 0.0001, wholeWords: true, segmenter: segmenter)
      // So rarely is a unit chosen by chance that each of these is the one that had to be.
      return Set((0..<300).map { chosen(masker.mask(text, epoch: 0, index: $0)) })
    }
    #expect(try groups(nil) == [[1, 2, 3], [4], [5], [6], [7], [8], [9], [10]])
    // The longest word first: 北京大学, then 生, although 大学生 is a word too.
    let segmenter = WordSegmenter(words: ["北京", "北京大学", "大学生", "生"])
    #expect(try groups(segmenter) == [[1, 2, 3], [4], [5, 6, 7, 8], [9], [10]])
  }

  @Test("a piece goes on with its word although a mark behind the prefix joins it in Swift's eyes")
  func prefixBeforeMark() throws {
    let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "k", "##\u{301}", "##"]
    let masker = try TokenMasker(
      tokenizer: BertTokenizer(vocabulary: Vocabulary(tokens)), probability: 0.0001, wholeWords: true)
    let groups = Set((0..<100).map { chosen(masker.mask(example([2, 5, 6, 7, 3]), epoch: 0, index: $0)) })
    #expect(groups == [[1, 2], [3]])
  }

  @Test("whole words of byte-level BPE begin with white space")
  func byteLevelWords() throws {
    let tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "a", "b", "\u{120}a", "\u{120}", "\u{10A}", ","]
    // A byte-level vocabulary has a token for every byte: printable ones as they are, the others from U+0100 on.
    let printable = Set(33...126).union(161...172).union(174...255)
    let others = (256..<256 + 256 - printable.count).map { $0 }
    let bytes = (Array(printable) + others).compactMap(Unicode.Scalar.init).map { String($0) }.sorted()
    let tokenizer = try ByteLevelBPETokenizer(
      vocabulary: Vocabulary(tokens + bytes.filter { !tokens.contains($0) }), merges: [])
    let masker = try TokenMasker(tokenizer: tokenizer, probability: 0.0001, wholeWords: true)
    // a b | " a" b , | " " a | line feed, then a text that begins with b
    let text = example([0, 5, 6, 7, 6, 10, 8, 5, 9, 2, 0, 6, 2])
    let groups = Set((0..<300).map { chosen(masker.mask(text, epoch: 0, index: $0)) })
    #expect(groups == [[1, 2], [3, 4, 5], [6, 7], [8], [11]])
  }

  @Test("whole words of SentencePiece begin with its sign, and where nobody writes spaces each piece is one")
  func pieces() throws {
    let folder = try TemporaryFolder()
    let pieces = ["\u{2581}the", "\u{2581}writ", "ten", ",", "\u{2581}", "北", "京大学", "です"]
    try UnigramFolder.write(pieces.map { ($0, -1) }, to: folder.url)
    let masker = try TokenMasker(
      tokenizer: loadTokenizer(directory: folder.url), probability: 0.0001, wholeWords: true)
    // the writ ten , | ▁ 北 京大学 です ,
    let text = example([0, 4, 5, 6, 7, 8, 9, 10, 11, 7, 2])
    let groups = Set((0..<300).map { chosen(masker.mask(text, epoch: 0, index: $0)) })
    #expect(groups == [[1], [2, 3, 4], [5], [6], [7], [8, 9]])
  }

  @Test("a lexicon is a file of words, frequencies are passed over")
  func lexicon() throws {
    let folder = try TemporaryFolder(["words.txt": "北京 120\n大学\t7\n\n学生\n"])
    let segmenter = try WordSegmenter(contentsOf: folder.url.appending(path: "words.txt"))
    let masker = try TokenMasker(
      tokenizer: tokenizer, probability: 0.0001, wholeWords: true, segmenter: segmenter)
    let text = example([2, 10, 11, 12, 13, 14, 3])
    let groups = Set((0..<200).map { chosen(masker.mask(text, epoch: 0, index: $0)) })
    #expect(groups == [[1, 2], [3, 4], [5]])
    #expect(throws: DatasetError.self) { try WordSegmenter(contentsOf: folder.url.appending(path: "none")) }
  }

  @Test("a vocabulary without a mask token is refused")
  func noMask() {
    let plain = BertTokenizer(vocabulary: Vocabulary(["[UNK]", "[CLS]", "[SEP]", "a"]))
    #expect(throws: TokenizerError.self) { try TokenMasker(tokenizer: plain) }
  }

  @Test("lines are packed end to end, the rest is a shorter sequence")
  func packing() throws {
    let packed = try PackedTexts(["a b", "unaffable", "b"].makeIterator(), with: tokenizer, maxLength: 5)
    // [CLS] a b [SEP] [CLS] un ##aff ##able [SEP] [CLS] b [SEP]
    #expect(Array(packed).map(\.ids) == [[2, 8, 9, 3, 2], [5, 6, 7, 3, 2], [9, 3]])
    let lines = try PackedTexts(
      ["a b", "unaffable", "b"].makeIterator(), with: tokenizer, maxLength: 4, isLineByLine: true)
    #expect(Array(lines).map(\.ids) == [[2, 8, 9, 3], [2, 5, 6, 3], [2, 9, 3]])
    let many = try PackedTexts(
      (0..<3000).map { _ in "a b" }.makeIterator(), with: tokenizer, maxLength: 7)
    #expect(Array(many).flatMap(\.ids) == (0..<3000).flatMap { _ in [Int32](arrayLiteral: 2, 8, 9, 3) })
    #expect(throws: TokenizerError.self) {
      try PackedTexts([""].makeIterator(), with: tokenizer, maxLength: 2)
    }
  }

  @Test("files are read line by line, in pieces, with their bad lines reported")
  func lines() throws {
    let folder = try TemporaryFolder([:])
    // Lines longer than the pieces the file is read in, and one of them cut right inside a character.
    let long = String(repeating: "北", count: 70_000)
    try folder.write(
      Array("\u{FEFF}first\r\n\n \t\n\(long)\nx\u{2028}y\n".utf8) + [0xFF, 0x0A] + Array("last".utf8),
      "train.txt")
    let task = TaskDefinition(
      name: "m", kind: .maskedLanguageModel, trainFile: "train.txt", testFile: "none.txt")
    let reader = TaskReader(task: task, folder: folder.url)
    var texts = try reader.openTexts(.train)
    var lines: [String] = []
    while let line = texts.next() { lines.append(line) }
    #expect(lines == ["first", long, "x\u{2028}y", "last"])
    #expect(texts.report.rowCount == 5 && texts.report.faults.map(\.line) == [6])
    let error = try #require(throws: DatasetError.self) { try reader.openTexts(.test) }
    #expect(error.description.contains("the folder holds train.txt"))
  }
}
