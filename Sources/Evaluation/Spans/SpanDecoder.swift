import Foundation

/// Decoder of the logits of a question's windows into an answer, as `postprocess_qa_predictions` of `transformers`'
/// run_qa.
///
/// All arithmetic is in Float32, as there. Where logits are equal, the later token comes first and then the earlier
/// candidate; numpy leaves the former open.
public struct SpanDecoder: Sendable {
  /// The number of starts and ends of each window that are paired, and of answers that are kept (`n_best_size`).
  public var nBestSize: Int
  /// The longest answer in tokens (`max_answer_length`).
  public var maxAnswerLength: Int
  /// Whether a question may have no answer (`version_2_with_negative`).
  public var allowsNoAnswer: Bool
  /// The lead over the best answer's score above which no answer is given (`null_score_diff_threshold`).
  public var nullScoreDiffThreshold: Float

  /// A decoder with run_qa's defaults.
  public init(
    nBestSize: Int = 20, maxAnswerLength: Int = 30, allowsNoAnswer: Bool = false,
    nullScoreDiffThreshold: Float = 0
  ) {
    precondition(
      nBestSize > 0 && maxAnswerLength > 0,
      "n_best_size \(nBestSize) and max_answer_length \(maxAnswerLength) must be at least 1.")
    self.nBestSize = nBestSize
    self.maxAnswerLength = maxAnswerLength
    self.allowsNoAnswer = allowsNoAnswer
    self.nullScoreDiffThreshold = nullScoreDiffThreshold
  }

  /// The answer to one question.
  ///
  /// - Parameters:
  ///   - context: the passage that the windows' offsets point into.
  ///   - windows: all windows of the question, at least one.
  public func answer(context: String, windows: [SpanWindow]) -> SpanPrediction {
    precondition(!windows.isEmpty, "A question needs at least one window.")
    var candidates: [Candidate] = []
    for window in windows { collect(window, into: &candidates) }
    keepBest(of: &candidates)
    let null = nullCandidate(windows)
    if allowsNoAnswer {
      insert(null, into: &candidates)
      // However low its score, it stays in the list.
      if !candidates.contains(where: { $0.offsets == 0..<0 }) { candidates.append(null) }
    }
    let passage = PassageText(context)
    var answers = candidates.map { candidate in
      SpanAnswer(
        startLogit: candidate.startLogit, endLogit: candidate.endLogit,
        text: passage[candidate.offsets], offsets: candidate.offsets == 0..<0 ? nil : candidate.offsets)
    }
    var scores = candidates.map(\.score)
    if answers.allSatisfy(\.text.isEmpty), answers.count < 2 || allowsNoAnswer {
      // There must be something to compare "no answer" with: run_qa's stand-in.
      answers.insert(SpanAnswer(startLogit: 0, endLogit: 0, text: "empty"), at: 0)
      scores.insert(0, at: 0)
    }
    for (index, probability) in Self.softmax(scores).enumerated() { answers[index].probability = probability }
    guard allowsNoAnswer, let best = answers.first(where: { !$0.text.isEmpty }) else {
      return SpanPrediction(text: answers[0].text, nBest: answers, nullScoreDiff: nil)
    }
    let difference = null.score - best.startLogit - best.endLogit
    return SpanPrediction(
      text: difference > nullScoreDiffThreshold ? "" : best.text, nBest: answers, nullScoreDiff: difference)
  }
}

// MARK: - Candidates

extension SpanDecoder {
  private struct Candidate {
    var offsets: Range<Int>
    var startLogit: Float
    var endLogit: Float
    var score: Float
  }

  private func collect(_ window: SpanWindow, into candidates: inout [Candidate]) {
    let starts = largest(window.startLogits).filter {
      window.offsets[$0] != nil && window.isMaxContext?[$0] != false
    }
    let ends = largest(window.endLogits).filter { window.offsets[$0] != nil }
    for start in starts {
      for end in ends where end >= start && end - start < maxAnswerLength {
        guard let first = window.offsets[start], let last = window.offsets[end] else { continue }
        add(
          Candidate(
            offsets: first.lowerBound..<max(first.lowerBound, last.upperBound),
            startLogit: window.startLogits[start], endLogit: window.endLogits[end],
            score: window.startLogits[start] + window.endLogits[end]),
          to: &candidates)
      }
    }
  }

  /// Adds a candidate unless it is none of the best; the list is cut now and then, so that it stays short.
  private func add(_ candidate: Candidate, to candidates: inout [Candidate]) {
    candidates.append(candidate)
    if candidates.count / 2 >= max(nBestSize, 512) { keepBest(of: &candidates) }
  }

  /// Keeps the best `nBestSize` in order, of equal ones those that came first.
  private func keepBest(of candidates: inout [Candidate]) {
    let order = candidates.indices.sorted { (a, b) in
      candidates[a].score > candidates[b].score || (candidates[a].score == candidates[b].score && a < b)
    }
    candidates = order.prefix(nBestSize).map { candidates[$0] }
  }

  /// Puts one more into the list of the best.
  private func insert(_ candidate: Candidate, into candidates: inout [Candidate]) {
    if candidates.count == nBestSize {
      if let last = candidates.last, !(candidate.score > last.score) { return }
      candidates.removeLast()
    }
    var index = candidates.count
    while index > 0, candidate.score > candidates[index - 1].score { index -= 1 }
    candidates.insert(candidate, at: index)
  }

  /// The tokens of the largest logits, the largest first.
  private func largest(_ logits: [Float]) -> [Int] {
    var best: [Int] = []
    best.reserveCapacity(min(nBestSize, logits.count) + 1)
    for (index, logit) in logits.enumerated() {
      if best.count == nBestSize {
        if let last = best.last, logit < logits[last] { continue }
        best.removeLast()
      }
      var place = best.count
      while place > 0, logit >= logits[best[place - 1]] { place -= 1 }
      best.insert(index, at: place)
    }
    return best
  }

  /// "No answer" has the score of the window that wants it least: all must agree on it.
  private func nullCandidate(_ windows: [SpanWindow]) -> Candidate {
    var null = Candidate(offsets: 0..<0, startLogit: 0, endLogit: 0, score: .infinity)
    for window in windows {
      let (start, end) = (window.startLogits[window.clsIndex], window.endLogits[window.clsIndex])
      guard start + end < null.score else { continue }
      null = Candidate(offsets: 0..<0, startLogit: start, endLogit: end, score: start + end)
    }
    return null
  }

  private static func softmax(_ scores: [Float]) -> [Float] {
    let largest = scores.max() ?? 0
    let exponentials = scores.map { exp(Double($0 - largest)) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { Float($0 / sum) }
  }
}

/// A passage that is cut by Unicode scalars: its bytes do when it is ASCII, otherwise it is laid out once.
private struct PassageText {
  private let text: String
  private let scalars: [Unicode.Scalar]?

  init(_ text: String) {
    self.text = text
    scalars = text.utf8.allSatisfy { $0 < 0x80 } ? nil : Array(text.unicodeScalars)
  }

  /// The text of a range; what lies behind the end is left out, as Python's slices do.
  subscript(range: Range<Int>) -> String {
    guard let scalars else {
      let range = range.clamped(to: 0..<text.utf8.count)
      return String(decoding: text.utf8.dropFirst(range.lowerBound).prefix(range.count), as: UTF8.self)
    }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars[range.clamped(to: scalars.indices)])
    return String(view)
  }
}
