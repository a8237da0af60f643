public import TaskData
public import Tasks

/// Sentences of one language with places for names of persons (0), of places (1) and of organisations (2).
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

  /// A sentence whose names all stand where only the test split, or where only the other splits have them.
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

  /// A fifth of the names at each place of a sentence; every name is held out at some places only.
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
