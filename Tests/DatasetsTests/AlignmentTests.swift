import Datasets
import Foundation
import Tasks
import TestSupport
import Testing
import Tokenization

@Suite("Alignment of two tokenizers over one text")
struct AlignmentTests {
  private let wordPiece: BertTokenizer
  private let byteLevel: any Tokenizer

  init() throws {
    wordPiece = BertTokenizer(vocabulary: try Vocabulary(contentsOf: Fixtures.url("tokenization/vocab.txt")))
    let folder = FileManager.default.temporaryDirectory.appending(path: "bpe-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, fixture) in [("vocab.json", "byte_level_vocab.json"), ("merges.txt", "byte_level_merges.txt")]
    {
      try FileManager.default.copyItem(
        at: Fixtures.url("tokenization/\(fixture)"), to: folder.appending(path: name))
    }
    byteLevel = try loadTokenizer(directory: folder)
  }

  /// Random words of letters of both scripts, digits and punctuation, single spaces between them.
  private func text(_ random: inout SplitMix64) -> String {
    let pieces = [
      "the", "film", "was", "unbelievable", "naïve", "Cafés", "北京", "大学生", "2026", "don't", "!", "。", "—",
      "re",
      "好", "e-mail", "Übergrößen", "x", "電影", "😀",
    ]
    return (0..<1 + random.below(12)).map { _ in
      (0..<1 + random.below(3)).map { _ in random.pick(pieces) }.joined()
    }.joined(separator: " ")
  }

  private func aligned(
    _ texts: [TextExample], _ own: any Tokenizer, _ other: any Tokenizer, lengths: (Int, Int) = (512, 512)
  ) throws -> AlignedExamples {
    let task = TaskDefinition(name: "t", kind: .classification)
    let rows = TaskExamples.texts(texts)
    return try AlignedExamples(
      rows, student: try EncodedTask(rows, task: task, with: own, maxLength: lengths.0),
      studentTokenizer: own,
      studentLength: lengths.0, teacherTokenizer: other, teacherLength: lengths.1)
  }

  @Test(
    "each token lies over exactly the tokens that share a character with it, in order", arguments: [0, 1, 2])
  func overlaps(direction: Int) throws {
    var random = SplitMix64(7, UInt64(direction))
    let texts = (0..<300).map { index in
      TextExample(text: text(&random), pair: index % 3 == 0 ? text(&random) : nil)
    }
    let (own, other): (any Tokenizer, any Tokenizer) =
      [(wordPiece, byteLevel), (byteLevel, wordPiece), (wordPiece, wordPiece)][direction]
    let result = try aligned(texts, own, other)
    #expect(result.shortenedCount == 0)
    for (index, example) in texts.enumerated() {
      let (a, b) = (
        own.encode(example.text, pair: example.pair), other.encode(example.text, pair: example.pair)
      )
      let alignment = result.alignments[index]
      #expect(result.teacher[index].ids == b.ids)
      try #require(alignment.teacherTokens.count == a.count && alignment.studentTokens.count == b.count)
      let (texts, otherTexts, offsets, others) = (a.sequenceIndex, b.sequenceIndex, a.offsets, b.offsets)
      var last: [Int?: Range<Int32>] = [:]
      for (token, range) in alignment.teacherTokens.enumerated() {
        guard let text = texts[token], !offsets[token].isEmpty else { continue }
        let expected = others.indices.filter {
          otherTexts[$0] == text && !others[$0].isEmpty && others[$0].overlaps(offsets[token])
        }
        #expect(!expected.isEmpty && expected.allSatisfy { range.contains(Int32($0)) }, "\(example)")
        #expect(Int(range.lowerBound) == expected.first && Int(range.upperBound) - 1 == expected.last)
        if let before = last[text] {
          #expect(before.lowerBound <= range.lowerBound && before.upperBound <= range.upperBound)
        }
        last[text] = range
        // Both directions say the same.
        for partner in expected { #expect(alignment.studentTokens[partner].contains(Int32(token))) }
      }
      // Special tokens stand for special tokens.
      for token in texts.indices where texts[token] == nil {
        #expect(alignment.teacherTokens[token].allSatisfy { otherTexts[Int($0)] == nil })
        #expect(!alignment.teacherTokens[token].isEmpty)
      }
      #expect(alignment.teacherTokens[0] == 0..<1)
      if direction == 2 {
        #expect(alignment.teacherTokens == a.ids.indices.map { Int32($0)..<Int32($0) + 1 })
      }
    }
  }

  @Test("a teacher that ends earlier is counted, one that only cuts finer is not")
  func shortened() throws {
    let texts = [
      TextExample(text: "the film was good"), TextExample(text: String(repeating: "北京", count: 20)),
      TextExample(text: ""),
    ]
    let result = try aligned(texts, wordPiece, byteLevel, lengths: (64, 40))
    #expect(result.shortenedCount == 1)
    #expect(result.alignments[1].teacherTokens.dropLast().contains { $0.isEmpty })
    #expect(result.alignments[1].teacherTokens.last?.isEmpty == false)
    #expect(result.alignments[2].teacherTokens == [0..<1, 1..<2])
  }

  @Test("words of a sentence are aligned by their first tokens, windows see the same words")
  func words() throws {
    let task = TaskDefinition(
      name: "t", kind: .tokenClassification, labels: ["A"], maxSequenceLength: 12, docStride: 4)
    let words = ["Unbelievable", "北", "京", "\u{200B}", "film", "2026", "don't", "the", "Cafés", "x"]
    let rows = TaskExamples.sentences([
      TaggedSentence(words: words), TaggedSentence(words: ["the", "film"]),
    ])
    for (own, other) in [(wordPiece as any Tokenizer, byteLevel), (byteLevel, wordPiece)] {
      let student = try EncodedTask(rows, task: task, with: own, maxLength: 12)
      let result = try AlignedExamples(
        rows, student: student, studentTokenizer: own, studentLength: 12, teacherTokenizer: other,
        teacherLength: 64)
      guard case .sentences(let encoded) = student.places else {
        Issue.record("no sentences")
        return
      }
      #expect(encoded.windows.count > 2 && result.teacher.count == encoded.windows.count)
      #expect(result.shortenedCount == 0)
      for (window, (teacher, alignment)) in zip(encoded.windows, zip(result.teacher, result.alignments)) {
        let seen = window.words.filter { $0 >= 0 }
        let distinct = Set(seen).filter { words[$0] != "\u{200B}" }
        #expect(alignment.words.count == distinct.count)
        for word in alignment.words {
          let index = window.words[Int(word.student)]
          #expect(window.words.firstIndex(of: index) == Int(word.student))
          let sentence = window.sentence == 0 ? words : ["the", "film"]
          let space = other is BertTokenizer ? "" : " "
          let first = other.encodeIDs(space + sentence[index], addSpecialTokens: false).ids[0]
          #expect(teacher.ids[Int(word.teacher)] == first)
          // Either side's first token may be a space alone, which has no character of the word.
          let range = alignment.teacherTokens[Int(word.student)]
          #expect(range.isEmpty || range.lowerBound - word.teacher <= 1)
        }
      }
      // A short teacher leaves words out, and it is counted.
      let short = try AlignedExamples(
        rows, student: student, studentTokenizer: own, studentLength: 12, teacherTokenizer: other,
        teacherLength: 6)
      #expect(short.shortenedCount > 0 && short.teacher.allSatisfy { $0.length <= 6 })
    }
  }

  @Test("the teacher reads a question with the very part of the passage that the student's window shows")
  func questions() throws {
    let passage =
      "The naïve student read 北京大学生 a book. It was unbelievable, don't you think? The film was 2026."
    let start = try #require(passage.range(of: "unbelievable"))
    let offset = passage.unicodeScalars.distance(from: passage.startIndex, to: start.lowerBound)
    let rows = TaskExamples.questions([
      Question(
        id: "1", text: "What was the book?", context: passage,
        answers: [.init(text: "unbelievable", start: offset)])
    ])
    let task = TaskDefinition(name: "t", kind: .questionAnswering, maxSequenceLength: 40, docStride: 8)
    for (own, other) in [(wordPiece as any Tokenizer, byteLevel), (byteLevel, wordPiece)] {
      let student = try EncodedTask(rows, task: task, with: own, maxLength: 40)
      let result = try AlignedExamples(
        rows, student: student, studentTokenizer: own, studentLength: 40, teacherTokenizer: other,
        teacherLength: 256)
      guard case .questions(let windows) = student.places else {
        Issue.record("no questions")
        return
      }
      #expect(windows.count > 1 && result.shortenedCount == 0)
      for (window, (teacher, alignment)) in zip(windows, zip(result.teacher, result.alignments)) {
        #expect(alignment.teacherTokens.count == window.example.length)
        #expect(alignment.studentTokens.count == teacher.length)
        // What the tokens spell, seen from both sides.
        let scalars = Array(passage.unicodeScalars)
        let (first, end) = (window.offsets[0].lowerBound, window.offsets[window.offsets.count - 1].upperBound)
        let part = String(String.UnicodeScalarView(scalars[first..<end]))
        let expected = other.encode("What was the book?", pair: part)
        #expect(teacher.ids == expected.ids)
        let (texts, offsets) = (expected.sequenceIndex, expected.offsets)
        for (token, place) in zip(window.contextTokens, window.offsets) where !place.isEmpty {
          let range = alignment.teacherTokens[token]
          #expect(!range.isEmpty)
          for partner in range {
            #expect(texts[Int(partner)] == 1)
            let own = offsets[Int(partner)]
            #expect(own.isEmpty || own.overlaps(place.lowerBound - first..<place.upperBound - first))
          }
        }
      }
    }
  }
}
