import ModelFormats

/// Exact match and longest-common-substring F1 as the official cmrc2018_evaluate.py (version 6) reports them.
///
/// The script, of CMRC 2018 and used for DRCD too, cuts texts into Chinese characters and the words that nltk's
/// `word_tokenize` finds between them; here as in nltk 3.10.
public struct CMRCScores: Sendable {
  /// The mean over questions of the best F1 against an accepted answer, in percent.
  public let f1: Double
  /// The part of questions whose prediction equals an accepted answer, the script's punctuation apart, in percent.
  public let exactMatch: Double
  /// The number of questions.
  public let total: Int
  /// The ids of the questions without a prediction, in the order of the key; each counts 0.
  public let skipped: [String]

  /// The mean of exact match and F1.
  public var average: Double { (exactMatch + f1) * 0.5 }

  /// Scores predictions.
  ///
  /// - Parameters:
  ///   - predictions: the predicted text by question id; ids that are no question's are ignored.
  ///   - questions: the answer key; each question has at least one answer.
  ///
  /// Throws `EvaluationError` when there are no questions, and for a question without answers that has a prediction.
  public init(predictions: [String: String], questions: [GoldQuestion]) throws(EvaluationError) {
    if questions.isEmpty { throw .nothingLabelled(count: 0) }
    var f1 = 0.0
    var exact = 0
    var skipped: [String] = []
    for question in questions {
      guard let text = predictions[question.id] else {
        skipped.append(question.id)
        continue
      }
      if question.answers.isEmpty { throw .unansweredKey(id: question.id) }
      let prediction = SegmentedAnswer(text)
      let answers = question.answers.map(SegmentedAnswer.init)
      f1 += answers.reduce(0) { max($0, $1.f1(predicted: prediction)) }
      if answers.contains(where: { $0.text == prediction.text }) { exact += 1 }
    }
    total = questions.count
    self.f1 = 100 * f1 / Double(total)
    exactMatch = 100 * Double(exact) / Double(total)
    self.skipped = skipped
  }

  /// The script's output: `AVERAGE`, `F1`, `EM` (which it rounds to three decimals), `TOTAL`, `SKIP`.
  public var json: JSONObject {
    var object = JSONObject()
    object["AVERAGE"] = .double(average)
    object["F1"] = .double(f1)
    object["EM"] = .double(exactMatch)
    object["TOTAL"] = .integer(total)
    object["SKIP"] = .integer(skipped.count)
    return object
  }

  /// Warnings of the script about the questions without a prediction, a line each.
  public var warnings: [String] { skipped.map { "Unanswered question: \($0)" } }
}

/// An answer as CMRC 2018 compares it: lower-cased, trimmed and without the script's punctuation, and cut into segments.
package struct SegmentedAnswer {
  /// The text that exact match compares.
  package let text: [Unicode.Scalar]
  /// Chinese characters one by one and the words between them, one after the other.
  private var segmentScalars: [Unicode.Scalar] = []
  /// The ranges of the segments in `segmentScalars`.
  private var segmentRanges: [Range<Int>] = []

  /// Normalises and cuts an answer.
  package init(_ answer: String) {
    let lowered = PythonText.lowercased(answer)
    text = PythonText.stripped(lowered[...]).filter { !Self.isRemoved($0) }
    var start = 0
    for index in text.indices where Self.isChinese(text[index]) {
      appendWords(of: text[start..<index])
      append([text[index]])
      start = index + 1
    }
    appendWords(of: text[start...])
  }

  /// The segments, each as a string.
  package var segments: [String] {
    segmentRanges.map { range in
      var view = String.UnicodeScalarView()
      view.append(contentsOf: segmentScalars[range])
      return String(view)
    }
  }

  private mutating func appendWords(of run: ArraySlice<Unicode.Scalar>) {
    for word in WordTokenizer.words(of: run) { append(word) }
  }

  private mutating func append(_ segment: ArraySlice<Unicode.Scalar>) {
    segmentRanges.append(segmentScalars.count..<segmentScalars.count + segment.count)
    segmentScalars += segment
  }

  /// F1 of a predicted answer, from 0 to 1: the longest run of segments that both share, over either's segments.
  package func f1(predicted: SegmentedAnswer) -> Double {
    let common = longestCommonRun(predicted)
    if common == 0 { return 0 }
    let precision = Double(common) / Double(predicted.segmentRanges.count)
    let recall = Double(common) / Double(segmentRanges.count)
    return 2 * precision * recall / (precision + recall)
  }

  /// The length of the longest common substring of segments.
  private func longestCommonRun(_ other: SegmentedAnswer) -> Int {
    var numbers: [ArraySlice<Unicode.Scalar>: Int32] = [:]
    func numbered(_ answer: SegmentedAnswer) -> [Int32] {
      answer.segmentRanges.map { range in
        let segment = answer.segmentScalars[range]
        if let number = numbers[segment] { return number }
        numbers[segment] = Int32(numbers.count)
        return Int32(numbers.count - 1)
      }
    }
    return longestCommonRunLength(numbered(self), numbered(other))
  }

  /// The script's list of punctuation.
  ///
  /// Its entry "……" is two characters and so never equals one.
  private static func isRemoved(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "-", ":", "_", "*", "^", "/", "\\", "~", "`", "+", "=": true
    case "，", "。", "：", "？", "！", "“", "”", "；", "’", "《", "》", "·", "、": true
    case "「", "」", "（", "）", "－", "～", "『", "』": true
    default: false
    }
  }

  /// The script's Chinese characters: U+4E00 to U+9FA5 and no others.
  private static func isChinese(_ scalar: Unicode.Scalar) -> Bool { (0x4E00...0x9FA5).contains(scalar.value) }
}

/// The length of the longest run of numbers that two lists share.
///
/// Short lists are compared by the usual table; the time for long ones grows with the sum of their lengths, by a suffix
/// automaton (Blumer and others 1985, *The smallest automaton recognizing the subwords of a text*).
func longestCommonRunLength(_ a: [Int32], _ b: [Int32]) -> Int {
  a.count * b.count <= 1 << 16 ? tableRun(a, b) : SuffixAutomaton(a).longestRun(sharedWith: b)
}

/// One row of the table at a time.
private func tableRun(_ a: [Int32], _ b: [Int32]) -> Int {
  var row = [Int](repeating: 0, count: b.count + 1)
  var best = 0
  for number in a {
    // From the right, so that the entry to the left above is still the previous row's.
    for column in b.indices.reversed() {
      row[column + 1] = number == b[column] ? row[column] + 1 : 0
      best = max(best, row[column + 1])
    }
  }
  return best
}

/// The smallest automaton of all runs of a list; state 0 is that of the empty run.
struct SuffixAutomaton {
  private struct Edge: Hashable {
    let state: Int32
    let number: Int32
  }

  /// The longest run of each state.
  private var lengths = [0]
  /// The state of the longest suffix of a state's runs that occurs in other places too; -1 of state 0.
  private var links: [Int32] = [-1]
  private var edges: [Edge: Int32] = [:]
  /// The numbers with which edges leave a state, so that its copy can have them.
  private var exits: [[Int32]] = [[]]

  init(_ list: [Int32]) {
    var last: Int32 = 0
    for number in list { last = append(number, behind: last) }
  }

  private mutating func append(_ number: Int32, behind last: Int32) -> Int32 {
    let new = addState(length: lengths[Int(last)] + 1)
    var state = last
    while state >= 0, edges[Edge(state: state, number: number)] == nil {
      connect(state, number, new)
      state = links[Int(state)]
    }
    guard state >= 0, let next = edges[Edge(state: state, number: number)] else {
      links[Int(new)] = 0
      return new
    }
    if lengths[Int(next)] == lengths[Int(state)] + 1 {
      links[Int(new)] = next
      return new
    }
    let copy = addState(length: lengths[Int(state)] + 1)
    for exit in exits[Int(next)] {
      if let target = edges[Edge(state: next, number: exit)] { connect(copy, exit, target) }
    }
    links[Int(copy)] = links[Int(next)]
    while state >= 0, edges[Edge(state: state, number: number)] == next {
      edges[Edge(state: state, number: number)] = copy
      state = links[Int(state)]
    }
    links[Int(next)] = copy
    links[Int(new)] = copy
    return new
  }

  private mutating func addState(length: Int) -> Int32 {
    lengths.append(length)
    links.append(-1)
    exits.append([])
    return Int32(lengths.count - 1)
  }

  private mutating func connect(_ state: Int32, _ number: Int32, _ target: Int32) {
    if edges.updateValue(target, forKey: Edge(state: state, number: number)) == nil {
      exits[Int(state)].append(number)
    }
  }

  /// The length of the longest run of another list that this one has.
  func longestRun(sharedWith other: [Int32]) -> Int {
    var (state, length, best): (Int32, Int, Int) = (0, 0, 0)
    for number in other {
      while state > 0, edges[Edge(state: state, number: number)] == nil {
        state = links[Int(state)]
        length = lengths[Int(state)]
      }
      if let next = edges[Edge(state: state, number: number)] {
        state = next
        length += 1
      } else {
        length = 0
      }
      best = max(best, length)
    }
    return best
  }
}
