public import Datasets
import Kernels
public import Tokenization

/// The examples of a student as a teacher with another tokenizer reads them, and how the tokens of both lie to each other.
///
/// Each side encodes the same text itself. Where the student sees a long sentence or passage in windows, the teacher reads
/// the words or characters of each window.
public struct AlignedExamples: Sendable {
  /// Examples that the teacher reads, in the order of the student's.
  public let teacher: EncodedExamples
  /// Alignment of the tokens of each example.
  public let alignments: DataRows<TokenAlignment>
  /// The number of examples of which the teacher sees less than the student, since its length ends earlier.
  public let shortenedCount: Int

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
    let all = try student.task.kind.family.align(
      rows, student,
      by: AlignedSides(
        studentTokenizer: studentTokenizer, studentLength: studentLength, teacherTokenizer: teacherTokenizer,
        teacherLength: teacherLength))
    teacher = EncodedExamples(all.map(\.example))
    alignments = DataRows(all.map(\.alignment))
    shortenedCount = all.count(where: \.isShortened)
  }

  /// Examples that are in files.
  package init(
    teacher: EncodedExamples, alignments: DataRows<TokenAlignment>, shortenedCount: Int
  ) {
    precondition(teacher.count == alignments.count, "Each example has an alignment.")
    (self.teacher, self.alignments, self.shortenedCount) = (teacher, alignments, shortenedCount)
  }
}

/// Tokenizers of a student and of its teacher, with the largest numbers of tokens that each reads.
package struct AlignedSides: Sendable {
  let studentTokenizer: any Tokenizer
  let studentLength: Int
  let teacherTokenizer: any Tokenizer
  let teacherLength: Int
}

/// An example as the teacher reads it, and how its tokens lie to those of the student's.
package struct AlignedExample: Sendable {
  let example: EncodedExample
  let alignment: TokenAlignment
  /// Whether the teacher sees less than the student.
  let isShortened: Bool

  init(example: EncodedExample, alignment: TokenAlignment, isShortened: Bool) {
    (self.example, self.alignment, self.isShortened) = (example, alignment, isShortened)
  }

  /// The same text read by both.
  ///
  /// - Parameter isFull: Whether the teacher's tokens are as many as there may be.
  init(_ own: Encoding, _ other: Encoding, isFull: Bool) {
    let (student, teacher) = (TokenPlaces(own), TokenPlaces(other))
    example = EncodedExample(ids: other.ids, segments: other.segments)
    alignment = TokenAlignment(student: student, teacher: teacher)
    isShortened = isFull && teacher.endsBefore(student)
  }

  /// Examples made on all cores; the first error of any.
  static func all(
    _ count: Int, _ make: @Sendable (Int) throws(TokenizerError) -> AlignedExample
  ) throws(TokenizerError) -> [AlignedExample] {
    let made = concurrentMap(count) { index in
      Result { () throws(TokenizerError) in try make(index) }
    }
    var all: [AlignedExample] = []
    for result in made { all.append(try result.get()) }
    return all
  }

  /// The teacher's view of a window: the question as the student has it, and the window's part of the passage.
  init(
    _ window: QuestionWindow, of question: Question, maxQueryLength: Int, by sides: AlignedSides
  ) throws(TokenizerError) {
    let (own, other) = (sides.studentTokenizer, sides.teacherTokenizer)
    let text = QuestionWindow.cut(question.text, to: maxQueryLength, with: own)
    let first = window.offsets.first?.lowerBound ?? 0
    let end = window.offsets.last?.upperBound ?? first
    let scalars = Array(question.context.unicodeScalars)[first..<max(first, end)]
    let passage = String(String.UnicodeScalarView(scalars))
    let teacher = try other.encode(
      text, pair: passage, truncation: Truncation(maxLength: sides.teacherLength, strategy: .onlySecond))
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
    example = EncodedExample(ids: teacher.ids, segments: teacher.segments)
    alignment = TokenAlignment(student: student, teacher: places)
    isShortened = teacher.count == sides.teacherLength && places.endsBefore(student)
  }
}
