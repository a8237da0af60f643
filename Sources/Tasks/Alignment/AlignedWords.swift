import Datasets
import Kernels
import Tokenization

/// The tokens of single words on two sides, each with the stretch of the word that it covers.
struct AlignedWords: Sendable {
  private let student: PlacedWords
  private let teacher: PlacedWords

  init(_ sentences: [TaggedSentence], student: any Tokenizer, teacher: any Tokenizer) {
    self.student = PlacedWords(sentences, with: student)
    self.teacher = PlacedWords(sentences, with: teacher)
  }

  /// The teacher's view of a student's window: the window's words, as many as there is room for.
  func window(
    _ window: EntityWindow, of sentence: TaggedSentence, frame: SpecialFrame, room: Int
  ) -> AlignedExample {
    let seen = window.words.filter { $0 >= 0 }
    let words = seen.isEmpty ? 0..<0 : seen[0]..<seen[seen.count - 1] + 1
    var (texts, offsets, ids): ([Int?], [Range<Int>], [Int32]) = ([], [], [])
    texts += repeatElement(nil, count: frame.before.count)
    var isShortened = false
    for word in words {
      let pieces = teacher[sentence.words[word]]
      guard ids.count + pieces.ids.count <= room else {
        isShortened = true
        break
      }
      ids += pieces.ids
      offsets += pieces.offsets
      texts += repeatElement(Optional(word), count: pieces.ids.count)
    }
    texts += repeatElement(nil, count: frame.after.count)
    let specials = { (count: Int) in [Range<Int>](repeating: 0..<0, count: count) }
    offsets = specials(frame.before.count) + offsets + specials(frame.after.count)
    return AlignedExample(
      example: frame.around(ids),
      alignment: TokenAlignment(
        student: places(window, sentence), teacher: TokenPlaces(texts: texts, offsets: offsets),
        countsWords: true),
      isShortened: isShortened)
  }

  private func places(_ window: EntityWindow, _ sentence: TaggedSentence) -> TokenPlaces {
    var offsets: [Range<Int>] = []
    var (last, rest) = (-1, ArraySlice<Range<Int>>())
    for word in window.words {
      if word >= 0, word != last { rest = student[sentence.words[word]].offsets[...] }
      last = word
      offsets.append(word < 0 ? 0..<0 : rest.popFirst() ?? 0..<0)
    }
    return TokenPlaces(texts: window.words.map { $0 < 0 ? nil : $0 }, offsets: offsets)
  }
}

/// The tokens of single words with their stretches, each distinct word cut once.
private struct PlacedWords: Sendable {
  private let pieces: [[UInt8]: (ids: [Int32], offsets: [Range<Int>])]

  init(_ sentences: [TaggedSentence], with tokenizer: any Tokenizer) {
    var words: [[UInt8]: String] = [:]
    for sentence in sentences { for word in sentence.words { words[Array(word.utf8)] = word } }
    let list = Array(words)
    let tokenizer = tokenizer.forSplitWords
    let encoded = concurrentMap(list.count) { index -> (ids: [Int32], offsets: [Range<Int>]) in
      let encoding = tokenizer.encode(list[index].value, addSpecialTokens: false)
      return (encoding.ids, encoding.offsets)
    }
    pieces = Dictionary(zip(list.map(\.key), encoded)) { first, _ in first }
  }

  subscript(word: String) -> (ids: [Int32], offsets: [Range<Int>]) {
    word.isEmpty ? ([], []) : pieces[Array(word.utf8)] ?? ([], [])
  }
}

/// Alignment of the tokens of two tokenizers over one text.
///
/// Tokens belong together when they share a character of one text; special tokens when both stand before, between or
/// behind the texts.
public struct TokenAlignment: Sendable, Hashable {
  /// The teacher's tokens over each of the student's; empty where the teacher has none there [student's length].
  public let teacherTokens: [Range<Int32>]
  /// The student's tokens over each of the teacher's [teacher's length].
  public let studentTokens: [Range<Int32>]
  /// The first tokens of each word that both sides have, where words are cut one by one; otherwise empty.
  public let words: [Word]

  /// The first tokens of a word.
  public struct Word: Sendable, Hashable {
    /// The student's, as a position in its sequence.
    public let student: Int32
    /// The teacher's.
    public let teacher: Int32
  }

  private init(teacherTokens: [Range<Int32>], studentTokens: [Range<Int32>], words: [Word]) {
    (self.teacherTokens, self.studentTokens, self.words) = (teacherTokens, studentTokens, words)
  }

  init(student: TokenPlaces, teacher: TokenPlaces, countsWords: Bool = false) {
    teacherTokens = student.tokens(of: teacher)
    studentTokens = teacher.tokens(of: student)
    guard countsWords else {
      words = []
      return
    }
    let others = teacher.runs
    words = student.runs.filter { $0.key >= 0 }.sorted { $0.value.lowerBound < $1.value.lowerBound }
      .compactMap { word, tokens in
        others[word].map { Word(student: Int32(tokens.lowerBound), teacher: Int32($0.lowerBound)) }
      }
  }
}

extension TokenAlignment: StoredRow {
  /// An alignment of one token with one.
  package static var unreadable: TokenAlignment {
    TokenAlignment(teacherTokens: [0..<1], studentTokens: [0..<1], words: [])
  }

  /// Appends the ranges of both sides and the words, each list with its number of words before it.
  package func append(to words: inout [Int32]) {
    for ranges in [teacherTokens, studentTokens] {
      words.append(Int32(2 * ranges.count))
      for range in ranges { words += [range.lowerBound, range.upperBound] }
    }
    words.append(Int32(2 * self.words.count))
    for word in self.words { words += [word.student, word.teacher] }
  }

  /// Reads what `append` wrote; nil for words that are no alignment.
  package init?(words: inout RecordWords) {
    var lists: [[(Int32, Int32)]] = []
    for _ in 0..<3 {
      guard let count = words.count(), let list = words.next(count), count % 2 == 0 else { return nil }
      lists.append(
        stride(from: list.startIndex, to: list.endIndex, by: 2).map { (list[$0], list[$0 + 1]) })
    }
    let (teacher, student) = (Int32(lists[1].count), Int32(lists[0].count))
    func areRanges(_ list: [(Int32, Int32)], of count: Int32) -> Bool {
      list.allSatisfy { 0 <= $0 && $0 <= $1 && $1 <= count }
    }
    guard areRanges(lists[0], of: teacher), areRanges(lists[1], of: student),
      lists[2].allSatisfy({ 0 <= $0 && $0 < student && 0 <= $1 && $1 < teacher })
    else { return nil }
    self.init(
      teacherTokens: lists[0].map { $0..<$1 }, studentTokens: lists[1].map { $0..<$1 },
      words: lists[2].map { Word(student: $0, teacher: $1) })
  }
}
