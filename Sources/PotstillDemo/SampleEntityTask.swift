public import Datasets
public import Foundation
public import Tasks

/// A named entity task of Potstill's own, drawn from seeded grammars in English (words) and Chinese (characters).
///
/// Several names are of two types, so that the sentence around them decides ("Jordan" writes a book, or lies by the sea).
/// In the `test` split every name stands in a place of a sentence in which no other split shows it.
public enum SampleEntityTask {
  /// The sizes of the demo.
  public static let defaultCounts = SampleCounts(
    teacher: 6000, train: 60, unlabelled: 6000, validation: 300, test: 1000)

  /// The task as `tasks/sample-ner.yaml` defines it: few tagged sentences and a pool of others.
  public static let definition = TaskDefinition(
    name: "sample-ner", kind: .tokenClassification,
    summary: "Named entities in sentences drawn from Potstill's own grammars, English and Chinese",
    trainFile: "train.bio", validationFile: "validation.bio", testFile: "test.bio",
    unlabelledFile: "unlabelled.bio", labels: ["PER", "LOC", "ORG"],
    maxSequenceLength: 64, docStride: 16,
    defaults: TaskDefaults(
      learningRate: 1e-3, numTrainEpochs: 5, perDeviceTrainBatchSize: 32, perDeviceEvalBatchSize: 128,
      warmupRatio: 0.1))

  /// The same task with the teacher's many tags, as `tasks/sample-ner-teacher.yaml` defines it.
  public static var teacherDefinition: TaskDefinition {
    var task = definition
    task.name = "sample-ner-teacher"
    task.summary = "The sample task of entities with the many tagged sentences that its teacher is trained on"
    task.trainFile = "teacher.bio"
    task.unlabelledFile = nil
    task.defaults.numTrainEpochs = 4
    return task
  }

  /// Draws the sentences; the same arguments give the same sentences on every machine.
  public static func generate(
    seed: UInt64 = 42, counts: SampleCounts = defaultCounts,
    languages: [SampleLanguage] = SampleLanguage.allCases
  ) -> SampleSplits<TaggedSentence> {
    let grammars = languages.map { $0 == .english ? SampleEntityGrammar.english : .chinese }
    func draw(_ split: UInt64, _ count: Int, heldOut: Bool = false) -> [TaggedSentence] {
      draws(grammars, seed, split, count, heldOut: heldOut)
    }
    var splits = SampleSplits(
      teacher: draw(14, counts.teacher), train: draw(11, counts.train),
      unlabelled: draw(15, counts.unlabelled), validation: draw(12, counts.validation),
      test: draw(13, counts.test, heldOut: true))
    for index in splits.unlabelled.indices { splits.unlabelled[index].tags = nil }
    return splits
  }

  private static func draws(
    _ grammars: [SampleEntityGrammar], _ seed: UInt64, _ split: UInt64, _ count: Int, heldOut: Bool
  ) -> [TaggedSentence] {
    precondition(count >= 0, "A split of \(count) sentences does not exist.")
    var random = SplitMix64(seed, split)
    let tags = definition.tagSet
    // Languages take turns.
    return (0..<count).map { turn in
      let (words, entities) = grammars[turn % grammars.count].sentence(isHeldOut: heldOut, using: &random)
      return TaggedSentence(words: words, tags: tags.tags(of: entities, count: words.count))
    }
  }

  /// Writes the splits as the files of columns that `sample-ner` and `sample-ner-teacher` name; the folder is created.
  ///
  /// A file appears under its name only when it is complete. Throws `DatasetError.unwritableFile`.
  public static func write(_ splits: SampleSplits<TaggedSentence>, to folder: URL) throws(DatasetError) {
    let names = definition.outputLabels
    func columns(_ sentence: TaggedSentence) -> String {
      sentence.words.indices.map { word in
        sentence.words[word] + (sentence.tags.map { "\t" + names[$0[word]] } ?? "") + "\n"
      }.joined()
    }
    try SampleFiles.write(
      splits.named.map { ($0.name + ".bio", $0.rows.map { columns($0) + "\n" }.joined()) }, to: folder)
  }
}

/// Grammar of sentences in one language with places for names of persons (0), of places (1) and of organisations (2).
struct SampleEntityGrammar: Sendable {
  /// A part of a sentence.
  private enum Part {
    case words(String)
    case name(type: Int)
  }

  /// Sentences, in which a digit stands for a name of that type.
  private let patterns: [[Part]]
  /// The names of each type.
  private let names: [[String]]
  /// Whether spaces separate words; they are characters otherwise.
  private let isSpaced: Bool

  init(patterns: String, names: [String], isSpaced: Bool) {
    self.isSpaced = isSpaced
    self.names = names.map { $0.split(separator: "|").map(String.init) }
    self.patterns = patterns.split(separator: "\n").map { line in
      var parts: [Part] = []
      var words = ""
      for character in line {
        // 一 is a number too, but no place for a name.
        if character.isASCII, let type = character.wholeNumberValue {
          parts += [.words(words), .name(type: type)]
          words = ""
        } else {
          words.append(character)
        }
      }
      return parts + [.words(words)]
    }
  }

  /// A sentence whose names all stand at places of the test split alone, or all at places of the other splits.
  func sentence(
    isHeldOut: Bool, using random: inout SplitMix64
  ) -> (words: [String], entities: [EntitySpan]) {
    let pattern = random.below(patterns.count)
    var words: [String] = []
    var entities: [EntitySpan] = []
    for (place, part) in patterns[pattern].enumerated() {
      switch part {
      case .words(let text): words += split(text)
      case .name(let type):
        let fitting = names[type].indices.filter { Self.isHeldOut(pattern, place, name: $0) == isHeldOut }
        let name = split(names[type][random.pick(fitting)])
        entities.append(EntitySpan(type: type, words: words.count..<words.count + name.count))
        words += name
      }
    }
    return (words, entities)
  }

  /// Whether the test split alone shows a name at a place of a sentence: a fifth of the names at each place.
  private static func isHeldOut(_ pattern: Int, _ place: Int, name: Int) -> Bool {
    (name + pattern + place).isMultiple(of: 5)
  }

  private func split(_ text: String) -> [String] {
    isSpaced ? text.split(separator: " ").map(String.init) : text.map { String($0) }
  }

  static let english = SampleEntityGrammar(
    patterns: """
      0 was born in 1 .
      0 has worked for 2 since spring .
      My friend 0 moved from 1 to 1 last year .
      The company 2 opened an office in 1 .
      " We will stay in 1 , " said 0 of 2 .
      The train to 1 was late again .
      Shares of 2 fell after 0 resigned .
      0 and 0 wrote a book about 1 .
      It rained in 1 for three days .
      2 hired 0 to run the shop in 1 .
      Nobody asked why the meeting was so short .
      The old bridge across the river is closed today .
      """,
    names: [
      "Anna|Jordan|Ben Carter|Lincoln|Clara|Paris Hill|David Moore|Austin|Emma|Florence|Victor|Sofia",
      "Oslo|Jordan|New York|Lincoln|Lima|Paris|Cape Town|Austin|Kyoto|Florence|Victoria|Sofia|Amazon",
      "Northwind|Amazon|Blue River Bank|Orion|Hill Brothers|Paragon|Acme|Delta Air|Granite Works|Victoria|Lumen|Orchard",
    ], isSpaced: true)

  static let chinese = SampleEntityGrammar(
    patterns: """
      0出生在1。
      0从春天起在2工作。
      我的朋友0去年从1搬到了1。
      2在1开了一家分店。
      2的0说：“我们会留在1。”
      去1的火车又晚点了。
      0辞职以后，2的股票跌了。
      0和0写了一本关于1的书。
      1下了三天雨。
      2请0管理1的店。
      没有人问会议为什么这么短。
      河上的老桥今天不通车。
      """,
    names: [
      "王芳|安宁|李小明|黄山|陈静|长安|欧阳雪|平江|刘洋|高原|赵敏|白云",
      "北京|安宁|哈尔滨|黄山|昆明|长安|乌鲁木齐|平江|苏州|高原|海口|白云",
      "东风公司|白云|长江银行|青松集团|明光学校|华夏报|海星|四方工厂|天一阁|泰山|新月书店|平安",
    ], isSpaced: false)
}
