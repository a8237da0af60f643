import Foundation

/// Builder of a `Question` from its raw values; says what is wrong with them.
struct QuestionBuilder {
  let split: DataSplit
  let allowsImpossible: Bool
  /// CMRC 2018's script strips white space around ids, so that the predictions must have them without.
  private let stripsIDs: Bool
  private var ids: Set<String> = []
  private(set) var repairs: [RowRepair] = []

  init(allowsImpossible: Bool, stripsIDs: Bool, split: DataSplit) {
    self.split = split
    self.allowsImpossible = allowsImpossible
    self.stripsIDs = stripsIDs
  }

  /// A passage, its scalars at hand for the check of every answer.
  struct Passage {
    let text: String
    let scalars: [Unicode.Scalar]

    init(_ text: String) {
      self.text = text
      scalars = Array(text.unicodeScalars)
    }
  }

  /// An answer as a file has it.
  struct RawAnswer {
    let text: String
    /// The beginning that the file gives; nil where it gives none that can be.
    let start: Int?
    /// The beginning as the file writes it, where that is no place in any text.
    var claim: String?
    /// Whether the form of the file has texts alone, so that nothing is amiss where no beginning is said.
    var isBare = false
  }

  /// - Parameters:
  ///   - answers: The answers; nil where the file has none.
  ///   - isImpossible: What the file says, nil where it says nothing.
  ///   - line: The line, 0 where `place` says more.
  ///   - place: The way to the question in a document.
  mutating func question(
    id: String, text: String, passage: Passage, answers: [RawAnswer]?, isImpossible: Bool?, line: Int,
    place: String?
  ) throws(RowFault) -> Question {
    let id = stripsIDs ? id.trimmingCharacters(in: .whitespacesAndNewlines) : id
    // Nothing is repaired in a question that is left out.
    let knownRepairs = repairs.count
    var isUsed = false
    defer { if !isUsed { repairs.removeSubrange(knownRepairs...) } }
    func fault(_ found: String, _ expected: String) -> RowFault {
      RowFault(line: line, place: place, found: found, expected: expected)
    }
    if text.allSatisfy(\.isWhitespace) {
      if split == .train { throw fault("an empty question", "some text") }
      // CMRC's trial set has some, and its script counts them.
      repairs.append(
        RowRepair(line: line, place: place, found: "an empty question", remedy: "kept for scoring"))
    }
    if passage.text.allSatisfy(\.isWhitespace) { throw fault("an empty context", "some text") }
    guard !ids.contains(id) else { throw fault("the id \"\(id)\" once more", "an id of its own") }
    let given = answers ?? []
    var question = Question(id: id, text: text, context: passage.text)
    // As SQuAD 2.0's script and run_qa do, which look at the answers alone; the flag decides where there is no list.
    question.isImpossible =
      given.isEmpty && (answers == nil ? isImpossible == true : allowsImpossible || isImpossible == true)
    if split != .unlabelled {
      if let isImpossible, answers != nil, isImpossible != given.isEmpty, allowsImpossible {
        repairs.append(
          RowRepair(
            line: line, place: place,
            found: "is_impossible \(isImpossible) with \(given.isEmpty ? "no answers" : "answers")",
            remedy: "the answers decide, as in SQuAD 2.0's script"))
      }
      if question.isImpossible {
        guard allowsImpossible else {
          throw fault("a question without an answer", "one; set version_2_with_negative to allow for none")
        }
      } else if given.isEmpty && split.needsLabels {
        throw fault("no answers", "at least one")
      } else {
        question.answers = try given.map { answer throws(RowFault) in
          try located(answer, in: passage, line, place)
        }
        if split == .train && question.answers.allSatisfy({ $0.start == nil }) {
          throw fault("the answer \"\(given[0].text)\"", "a text that occurs in the context")
        }
      }
    }
    ids.insert(id)
    isUsed = true
    return question
  }

  private mutating func located(
    _ answer: RawAnswer, in passage: Passage, _ line: Int, _ place: String?
  ) throws(RowFault) -> Question.Answer {
    let wanted = Array(answer.text.unicodeScalars)
    if wanted.isEmpty {
      throw RowFault(line: line, place: place, found: "an empty answer", expected: "some text")
    }
    let start = answer.start
    // What the file says goes first, be there more or less white space than in the answer.
    let own = start.flatMap { TextSearch.rangeApartFromSpace(of: wanted, in: passage.scalars, at: $0) }
    let range =
      own ?? TextSearch.range(of: wanted, in: passage.scalars, near: start ?? 0)
      ?? TextSearch.rangeApartFromSpace(of: wanted, in: passage.scalars, near: start ?? 0)
    let found = range?.lowerBound
    if found == nil || (own == nil && !answer.isBare) {
      let claimed =
        (start.map { "\($0)" } ?? answer.claim).map { " at \($0), where it is not" }
        ?? (answer.isBare ? "" : " without answer_start")
      repairs.append(
        RowRepair(
          line: line, place: place, found: "the answer \"\(answer.text)\"\(claimed)",
          remedy: found.map { "taken from its nearest occurrence, at \($0)" }
            ?? "the context does not have it; kept for scoring only"))
    }
    return Question.Answer(text: answer.text, start: found, length: range?.count)
  }
}
