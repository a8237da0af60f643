import ModelFormats

/// Exact match and F1 as SQuAD's official evaluate-v1.1.py reports them.
public struct SquadScores: Sendable {
  /// The part of questions whose prediction equals an accepted answer after normalisation, in percent.
  public let exactMatch: Double
  /// The mean over questions of the best token F1 against an accepted answer, in percent.
  public let f1: Double
  /// The number of questions.
  public let total: Int
  /// The ids of the questions without a prediction, in the order of the key; each counts 0.
  public let missing: [String]

  /// Scores predictions.
  ///
  /// - Parameters:
  ///   - predictions: the predicted text by question id; ids that are no question's are ignored.
  ///   - questions: the answer key; each question has at least one answer.
  ///
  /// Throws `EvaluationError` when there are no questions, and for a question without answers that has a prediction.
  public init(predictions: [String: String], questions: [GoldQuestion]) throws(EvaluationError) {
    if questions.isEmpty { throw .nothingLabelled(count: 0) }
    var exact = 0
    var f1 = 0.0
    var missing: [String] = []
    for question in questions {
      guard let text = predictions[question.id] else {
        missing.append(question.id)
        continue
      }
      if question.answers.isEmpty { throw .unansweredKey(id: question.id) }
      let prediction = NormalizedAnswer(text)
      let answers = question.answers.map(NormalizedAnswer.init)
      if answers.contains(prediction) { exact += 1 }
      f1 += answers.reduce(0) { max($0, $1.f1(predicted: prediction)) }
    }
    total = questions.count
    exactMatch = 100 * Double(exact) / Double(total)
    self.f1 = 100 * f1 / Double(total)
    self.missing = missing
  }

  /// The script's output: `exact_match` and `f1`.
  public var json: JSONObject {
    var object = JSONObject()
    object["exact_match"] = .double(exactMatch)
    object["f1"] = .double(f1)
    return object
  }

  /// Warnings of the script about the questions without a prediction, a line each.
  public var warnings: [String] { missing.map { "Unanswered question \($0) will receive score 0." } }
}

/// An answer as SQuAD compares it: lower-cased, without ASCII punctuation, without a/an/the, with single spaces.
///
/// The steps and their order are `normalize_answer` of the official evaluate-v1.1.py and evaluate-v2.0.py.
package struct NormalizedAnswer: Equatable {
  /// The tokens joined by single spaces.
  package let text: [Unicode.Scalar]
  /// The ranges of the tokens in `text`.
  package let tokens: [Range<Int>]

  /// Normalises an answer.
  package init(_ answer: String) {
    let scalars = PythonText.lowercased(answer).filter { !PythonText.isASCIIPunctuation($0) }
    var text: [Unicode.Scalar] = []
    text.reserveCapacity(scalars.count)
    var tokens: [Range<Int>] = []
    var isInToken = false
    func endToken() {
      if isInToken, let last = tokens.popLast() { tokens.append(last.lowerBound..<text.count) }
      isInToken = false
    }
    func append(_ piece: ArraySlice<Unicode.Scalar>) {
      if !isInToken {
        if !text.isEmpty { text.append(" ") }
        tokens.append(text.count..<text.count)
        isInToken = true
      }
      text += piece
    }
    var index = 0
    while index < scalars.count {
      var end = index
      while end < scalars.count, PythonText.isWord(scalars[end]) { end += 1 }
      if end == index {
        // A mark of another kind, which separates words for articles but not tokens.
        if PythonText.isSpace(scalars[index]) { endToken() } else { append(scalars[index...index]) }
        index += 1
        continue
      }
      // An article becomes a space, so it also splits what stands around it ("°a°").
      if Self.isArticle(scalars[index..<end]) { endToken() } else { append(scalars[index..<end]) }
      index = end
    }
    endToken()
    self.text = text
    self.tokens = tokens
  }

  /// Two answers are equal when their texts are, from which the tokens follow.
  package static func == (a: NormalizedAnswer, b: NormalizedAnswer) -> Bool { a.text == b.text }

  /// The number of tokens that two answers share, each occurrence counted once.
  private func common(_ other: NormalizedAnswer) -> Int {
    let (a, b) = (sortedTokens, other.sortedTokens)
    var (i, j, count) = (0, 0, 0)
    while i < a.count, j < b.count {
      if a[i] == b[j] {
        count += 1
        i += 1
        j += 1
      } else if a[i].lexicographicallyPrecedes(b[j]) {
        i += 1
      } else {
        j += 1
      }
    }
    return count
  }

  private var sortedTokens: [ArraySlice<Unicode.Scalar>] {
    let slices = tokens.map { text[$0] }
    return slices.count < 2 ? slices : slices.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// F1 of a predicted answer over the bags of tokens, from 0 to 1; 0 where no token is shared.
  package func f1(predicted: NormalizedAnswer) -> Double {
    let common = common(predicted)
    if common == 0 { return 0 }
    let precision = Double(common) / Double(predicted.tokens.count)
    let recall = Double(common) / Double(tokens.count)
    return 2 * precision * recall / (precision + recall)
  }

  private static func isArticle(_ word: ArraySlice<Unicode.Scalar>) -> Bool {
    let start = word.startIndex
    switch word.count {
    case 1: return word[start] == "a"
    case 2: return word[start] == "a" && word[start + 1] == "n"
    case 3: return word[start] == "t" && word[start + 1] == "h" && word[start + 2] == "e"
    default: return false
    }
  }
}
