import Datasets
import Foundation
import PotstillDemo
import Tasks
import TestSupport
import Testing

@Suite("Sample tasks of entities and questions")
struct SampleKindsTests {
  private func folder() throws -> TemporaryFolder { try TemporaryFolder([:]) }

  private func isChinese(_ text: String) -> Bool {
    text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
  }

  @Test("entities: files read back as they were drawn, both languages, all types, no faults")
  func entities() throws {
    let folder = try folder()
    let counts = SampleCounts(teacher: 100, train: 400, unlabelled: 60, validation: 50, test: 200)
    let splits = SampleEntityTask.generate(seed: 3, counts: counts)
    #expect(splits == SampleEntityTask.generate(seed: 3, counts: counts))
    #expect(splits != SampleEntityTask.generate(seed: 4, counts: counts))
    try SampleEntityTask.write(splits, to: folder.url)
    let task = SampleEntityTask.definition
    #expect(
      try TaskReader(task: SampleEntityTask.teacherDefinition, folder: folder.url).readSentences(.train)
        .examples
        .map(\.words) == splits.teacher.map(\.words))
    let reader = TaskReader(task: task, folder: folder.url)
    for (split, drawn) in [
      (DataSplit.train, splits.train), (.validation, splits.validation), (.test, splits.test),
      (.unlabelled, splits.unlabelled),
    ] {
      let read = try reader.readSentences(split)
      #expect(
        read.examples.map(\.words) == drawn.map(\.words) && read.examples.map(\.tags) == drawn.map(\.tags))
      #expect(read.report.repairs.isEmpty)
      #expect(read.examples.count { isChinese($0.words.joined()) } * 2 == read.count)
    }
    #expect(Set(splits.test.flatMap { $0.tags ?? [] }) == Set(0..<task.labelCount))
  }

  @Test("entities: a name of the test split never stands where it stands in training")
  func heldOutNames() {
    let splits = SampleEntityTask.generate(
      seed: 5, counts: SampleCounts(teacher: 500, train: 3000, unlabelled: 500, validation: 100, test: 600))
    let tags = SampleEntityTask.definition.tagSet
    /// The name, and the words around with every name left out.
    func places(_ sentences: [TaggedSentence]) -> Set<[String]> {
      var result: Set<[String]> = []
      for sentence in sentences {
        let entities = tags.entities(of: sentence.tags ?? [])
        var frame: [String] = []
        for (word, text) in sentence.words.enumerated() {
          if let entity = entities.first(where: { $0.words.contains(word) }) {
            if word == entity.words.lowerBound { frame.append("{}") }
          } else {
            frame.append(text)
          }
        }
        for (place, entity) in entities.enumerated() {
          result.insert(frame + ["#\(place)", sentence.words[entity.words].joined(separator: " ")])
        }
      }
      return result
    }
    let (train, test) = (places(splits.teacher + splits.train + splits.validation), places(splits.test))
    #expect(test.count > 50 && train.isDisjoint(with: test))
    // The same names do occur in training, elsewhere.
    #expect(Set(test.compactMap(\.last)).subtracting(train.compactMap(\.last)).isEmpty)
  }

  @Test("questions: documents read back as they were drawn, with every answer at its offset")
  func questions() throws {
    let folder = try folder()
    let counts = SampleCounts(teacher: 1500, train: 400, unlabelled: 60, validation: 50, test: 200)
    let splits = SampleQuestionTask.generate(seed: 3, counts: counts)
    #expect(splits == SampleQuestionTask.generate(seed: 3, counts: counts))
    try SampleQuestionTask.write(splits, to: folder.url)
    let reader = TaskReader(task: SampleQuestionTask.definition, folder: folder.url)
    for (split, drawn) in [
      (DataSplit.train, splits.train), (.validation, splits.validation), (.test, splits.test),
      (.unlabelled, splits.unlabelled),
    ] {
      let read = try reader.readQuestions(split)
      #expect(read.examples == drawn && read.report.repairs.isEmpty)
      #expect(
        read.examples.allSatisfy {
          !$0.context.contains { "@#".contains($0) } && $0.answers.count == (split == .unlabelled ? 0 : 1)
        })
    }
    /// The question and the sentence that answers it.
    func combinations(_ questions: [Question]) -> Set<[String]> {
      Set(
        questions.map { question in
          let start = question.answers[0].start ?? 0
          var sentence = ""
          var position = 0
          for character in question.context {
            sentence.append(character)
            position += character.unicodeScalars.count
            if ".。".contains(character) {
              if position > start { break }
              sentence = ""
            }
          }
          return [question.text, sentence]
        })
    }
    let (seen, unseen) = (combinations(splits.teacher + splits.train), combinations(splits.test))
    #expect(unseen.count > 50 && seen.isDisjoint(with: unseen))
    // Every question of the test split is asked elsewhere too.
    #expect(Set(unseen.map { $0[0] }).isSubset(of: Set(seen.map { $0[0] })))
    #expect(
      Set(splits.test.map { $0.answers[0].text }).isSubset(of: Set(splits.train.map { $0.answers[0].text })))
  }
}
