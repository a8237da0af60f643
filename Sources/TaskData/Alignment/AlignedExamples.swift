import Kernels
public import Tokenization

/// The examples of a student as a teacher with another tokenizer reads them, and how the tokens of both lie to each other.
///
/// Each side encodes the same text itself. Where the student sees a long sentence or passage in windows, the teacher reads
/// the words or characters of each window.
public struct AlignedExamples: Sendable {
  /// What the teacher reads, in the order of the student's examples.
  public let teacher: [EncodedExample]
  /// How the tokens of each example lie.
  public let alignments: [TokenAlignment]
  /// The number of examples of which the teacher sees less than the student, since its length ends earlier.
  public let shortenedCount: Int

  private typealias Aligned = (example: EncodedExample, alignment: TokenAlignment, isShortened: Bool)

  /// Tokenizes the rows behind a student's examples for a teacher, on all cores.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - student: The student's encoding of these very rows.
  ///   - studentTokenizer: What it was made with.
  ///   - studentLength: The largest number of tokens it was made with.
  ///   - teacherTokenizer: The teacher's tokenizer.
  ///   - teacherLength: The largest number of the teacher's tokens, special tokens included; more is cut off.
  ///
  /// Throws `TokenizerError.truncation` when a length leaves too little room.
  public init(
    _ rows: TaskExamples, student: EncodedTask, studentTokenizer: any Tokenizer, studentLength: Int,
    teacherTokenizer: any Tokenizer, teacherLength: Int
  ) throws(TokenizerError) {
    let aligned: [Result<[Aligned], TokenizerError>]
    switch (rows, student.source) {
    case (.texts(let texts), .texts):
      precondition(texts.count == student.examples.count, "The student's examples must be of these texts.")
      aligned = concurrentMap(texts.count) { index in
        let text = texts[index]
        return Self.result { () throws(TokenizerError) in
          let own = try studentTokenizer.encode(
            text.text, pair: text.pair, truncation: Truncation(maxLength: studentLength))
          let other = try teacherTokenizer.encode(
            text.text, pair: text.pair, truncation: Truncation(maxLength: teacherLength))
          return [Self.aligned(own, other, isFull: other.count == teacherLength)]
        }
      }
    case (.sentences(let sentences), .sentences(_, let encoded)):
      let words = AlignedWords(sentences, student: studentTokenizer, teacher: teacherTokenizer)
      let frame = SpecialFrame(of: teacherTokenizer)
      guard teacherLength > frame.count else {
        throw .truncation(
          reason:
            "the length \(teacherLength) leaves no room beside the teacher's \(frame.count) special tokens")
      }
      aligned = concurrentMap(encoded.windows.count) { index in
        let window = encoded.windows[index]
        return .success([
          words.window(
            window, of: sentences[window.sentence], frame: frame, room: teacherLength - frame.count)
        ])
      }
    case (.questions(let questions), .questions(_, let windows)):
      aligned = concurrentMap(windows.count) { index in
        let window = windows[index]
        return Self.result { () throws(TokenizerError) in
          [
            try Self.window(
              window, of: questions[window.question], task: student.task, studentTokenizer, teacherTokenizer,
              studentLength: studentLength, teacherLength: teacherLength)
          ]
        }
      }
    default: preconditionFailure("The student's examples must be of these rows.")
    }
    var all: [Aligned] = []
    for result in aligned { all += try result.get() }
    teacher = all.map(\.example)
    alignments = all.map(\.alignment)
    shortenedCount = all.count(where: \.isShortened)
  }

  // MARK: Parts

  private static func result(
    _ body: () throws(TokenizerError) -> [Aligned]
  ) -> Result<[Aligned], TokenizerError> {
    do throws(TokenizerError) { return .success(try body()) } catch { return .failure(error) }
  }

  private static func aligned(_ own: Encoding, _ other: Encoding, isFull: Bool) -> Aligned {
    let (student, teacher) = (TokenPlaces(own), TokenPlaces(other))
    return (
      EncodedExample(ids: other.ids, segments: other.segments),
      TokenAlignment(student: student, teacher: teacher), isFull && teacher.endsBefore(student)
    )
  }

  /// The teacher's view of a window: the question as the student has it, and the window's part of the passage.
  private static func window(
    _ window: QuestionWindow, of question: Question, task: TaskDefinition, _ own: any Tokenizer,
    _ other: any Tokenizer, studentLength: Int, teacherLength: Int
  ) throws(TokenizerError) -> Aligned {
    let text = QuestionWindow.cut(question.text, to: task.questions.maxQueryLength, with: own)
    let first = window.offsets.first?.lowerBound ?? 0
    let end = window.offsets.last?.upperBound ?? first
    let scalars = Array(question.context.unicodeScalars)[first..<max(first, end)]
    let passage = String(String.UnicodeScalarView(scalars))
    let teacher = try other.encode(
      text, pair: passage, truncation: Truncation(maxLength: teacherLength, strategy: .onlySecond))
    // The window's tokens in the passage are known; those of the question stand before them.
    let before = own.encode(text, addSpecialTokens: false).offsets
    let frame = own.encode(text, pair: passage)
    let sequences = Array(frame.sequenceIndex.prefix { $0 != 1 })
    var texts: [Int?] = sequences
    var offsets: [Range<Int>] = []
    var questionTokens = before[...]
    for sequence in sequences { offsets.append(sequence == 0 ? questionTokens.popFirst() ?? 0..<0 : 0..<0) }
    for offset in window.offsets {
      texts.append(1)
      offsets.append(offset.lowerBound - first..<offset.upperBound - first)
    }
    while texts.count < window.example.length {
      texts.append(nil)
      offsets.append(0..<0)
    }
    let (student, places) = (TokenPlaces(texts: texts, offsets: offsets), TokenPlaces(teacher))
    return (
      EncodedExample(ids: teacher.ids, segments: teacher.segments),
      TokenAlignment(student: student, teacher: places),
      teacher.count == teacherLength && places.endsBefore(student)
    )
  }
}
