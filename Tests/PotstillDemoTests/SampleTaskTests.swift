import Datasets
import Foundation
import PotstillDemo
import Tasks
import TestSupport
import Testing

@Suite("Sample task")
struct SampleTaskTests {
  static let counts = SampleCounts(
    teacher: 3000, train: 200, unlabelled: 1000, validation: 800, test: 800)
  static let splits = SampleTask.generate(seed: 42, counts: counts)

  private static func isChinese(_ text: String) -> Bool {
    text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
  }

  @Test("has the sizes asked for, both languages and both labels in equal parts, and no text twice")
  func shape() {
    let splits = Self.splits
    let all = [splits.teacher, splits.train, splits.unlabelled, splits.validation, splits.test]
    #expect(all.map(\.count) == [3000, 200, 1000, 800, 800])
    #expect(Set(all.joined().map(\.text)).count == 5800)
    #expect(splits.unlabelled.allSatisfy { $0.label == nil })
    for split in [splits.teacher, splits.train, splits.validation, splits.test] {
      #expect(split.count { $0.label == 1 } * 2 == split.count)
      #expect(split.count { Self.isChinese($0.text) } * 2 == split.count)
      let positiveChinese = split.count { $0.label == 1 && Self.isChinese($0.text) }
      #expect(positiveChinese * 4 == split.count)
    }
    // Every placeholder is filled, and no text breaks a line of a TSV file.
    for example in all.joined() {
      #expect(!example.text.contains { "{}\t\n_*/".contains($0) }, "\(example.text)")
      #expect(example.text.count >= 3 && example.text.count < 220)
    }
  }

  @Test("is the same for the same seed and another for another")
  func determinism() {
    let counts = SampleCounts(teacher: 20, train: 10, unlabelled: 10, validation: 10, test: 10)
    let first = SampleTask.generate(seed: 7, counts: counts)
    #expect(first == SampleTask.generate(seed: 7, counts: counts))
    #expect(first != SampleTask.generate(seed: 8, counts: counts))
    // The draws of one split do not depend on the size of a later one.
    var larger = counts
    larger.test = 30
    #expect(SampleTask.generate(seed: 7, counts: larger).teacher == first.teacher)
  }

  @Test("is not solved by a bag of words")
  func bagOfWords() {
    let model = BagOfWords(Self.splits.teacher)
    let seen = model.accuracy(Self.splits.validation)
    let unseen = model.accuracy(Self.splits.test)
    #expect(seen < 0.78, "found \(seen)")
    #expect(unseen < 0.78, "found \(unseen)")
    // It learns something, so the words do carry the polarity that the constructions turn.
    #expect(seen > 0.52, "found \(seen)")
  }

  @Test("labels follow from the construction", arguments: [true, false])
  func labels(isPositive: Bool) throws {
    // Reviews of one clause with one well-known word: the label is its polarity, turned by a negation.
    let patterns: [(String, Bool)] = [
      (
        #"^The \w+( \w+)? (is|was|are|were) (very |really )?(good|great|excellent|wonderful|superb|lovely|perfect)[.!]$"#,
        true
      ),
      (
        #"^The \w+( \w+)? (is|was|are|were) (very |really )?(bad|poor|awful|terrible|dreadful|weak|mediocre)[.!]$"#,
        false
      ),
      (
        #"^The \w+( \w+)? (is not|are not|was never|were never) (good|great|excellent|wonderful|superb|lovely|perfect)[.!]$"#,
        false
      ),
      (
        #"^The \w+( \w+)? (is not|are not|was never|were never) (bad|poor|awful|terrible|dreadful|weak|mediocre)[.!]$"#,
        true
      ),
      (#"^\w+(非常|特别|很)(好|棒|优秀|出色|完美|精彩)[。！]$"#, true),
      (#"^\w+(并不|一点也不)(差|糟糕|烂|失败|可怕|粗糙)[。！]$"#, true),
      (#"^\w+(并不|一点也不)(好|棒|优秀|出色|完美|精彩)[。！]$"#, false),
      (
        #"^Although .* (good|great|excellent|wonderful|superb|lovely|perfect), \w+ (\w+ )*(is|was) (bad|poor|awful|terrible|dreadful|weak|mediocre)[.!]$"#,
        false
      ),
    ]
    var matched = 0
    for (pattern, label) in patterns where label == isPositive {
      let regex = try Regex(pattern)
      for example in Self.splits.teacher + Self.splits.test where example.text.contains(regex) {
        #expect(example.label == (label ? 1 : 0), "\(example.text)")
        matched += 1
      }
    }
    #expect(matched > 10)
  }

  @Test("writes files that its task definition reads back")
  func files() throws {
    let folder = try TemporaryFolder([:])
    let counts = SampleCounts(teacher: 40, train: 20, unlabelled: 30, validation: 10, test: 10)
    let splits = SampleTask.generate(counts: counts)
    let target = folder.url.appending(path: "new/sample")
    try SampleTask.write(splits, to: target)
    let reader = TaskReader(task: SampleTask.definition, folder: target)
    #expect(try reader.read(.train).examples == splits.train)
    #expect(try reader.read(.validation).examples == splits.validation)
    #expect(try reader.read(.test).examples == splits.test)
    #expect(try reader.read(.unlabelled).examples == splits.unlabelled)
    let teacher = TaskReader(task: SampleTask.teacherDefinition, folder: target)
    #expect(try teacher.read(.train).examples == splits.teacher)
    try SampleTask.definition.validate()
    try SampleTask.teacherDefinition.validate()
  }
}

/// Logistic regression on which words (Chinese: characters) a text holds.
struct BagOfWords {
  private var weights: [String: Double] = [:]
  private var bias = 0.0

  init(_ examples: [TextExample], epochs: Int = 12) {
    let bags = examples.map { (Self.words($0.text), $0.label == 1 ? 1.0 : 0.0) }
    for epoch in 0..<epochs {
      let rate = 0.1 / (1 + Double(epoch))
      for (words, label) in bags {
        let error = label - 1 / (1 + exp(-score(words)))
        bias += rate * error
        for word in words { weights[word, default: 0] += rate * error }
      }
    }
  }

  func accuracy(_ examples: [TextExample]) -> Double {
    let right = examples.count { (score(Self.words($0.text)) > 0) == ($0.label == 1) }
    return Double(right) / Double(examples.count)
  }

  private func score(_ words: Set<String>) -> Double { words.reduce(bias) { $0 + (weights[$1] ?? 0) } }

  private static func words(_ text: String) -> Set<String> {
    var words: Set<String> = []
    var word = ""
    for character in text.lowercased() {
      if character.isASCII && character.isLetter {
        word.append(character)
        continue
      }
      if !word.isEmpty { words.insert(word) }
      word = ""
      if character.isLetter { words.insert(String(character)) }
    }
    if !word.isEmpty { words.insert(word) }
    return words
  }
}
