import Kernels
public import Tokenization

/// Window of a question and its passage that a model sees at once: all of it, or a part of a long passage.
public struct QuestionWindow: Sendable, Hashable {
  /// The tokens of question and passage; the target is the span of the answer, 0 and 0 where the window lacks it.
  public var example: EncodedExample
  /// The position of the question in the data set.
  public let question: Int
  /// The tokens of the passage as positions in the sequence.
  public let contextTokens: Range<Int>
  /// Offsets of those tokens in the passage, in Unicode scalars [contextTokens.count].
  public let offsets: [Range<Int>]

  /// The offsets of a token in the passage; nil for one of the question and for special tokens.
  public func offset(ofToken token: Int) -> Range<Int>? {
    contextTokens.contains(token) ? offsets[token - contextTokens.lowerBound] : nil
  }
}

extension QuestionWindow {
  /// Tokenizes questions with their passages on all cores, and lays overlapping windows over passages that are too long.
  ///
  /// The same sequences and spans as `run_qa` of `transformers` makes (questions without the white space on their left,
  /// `truncation="only_second"`, `return_overflowing_tokens`), after `run_squad`'s cut of long questions. Where the pieces
  /// of one character would make the answer end before it begins there, the two are exchanged.
  ///
  /// - Parameters:
  ///   - questions: Questions with or without answers; the first answer that the passage has is the target.
  ///   - maxLength: The largest number of tokens of a window, special tokens included.
  ///   - stride: The tokens of the passage that a window repeats of the one before; `doc_stride`.
  ///   - maxQueryLength: The tokens of a question that are kept.
  /// - Returns: The windows in the order of the questions and of the passage.
  ///
  /// Throws `TokenizerError.truncation` when the lengths leave too little room for the passage.
  public static func encode(
    _ questions: [Question], with tokenizer: any Tokenizer, maxLength: Int, stride: Int,
    maxQueryLength: Int = 64
  ) throws(TokenizerError) -> [QuestionWindow] {
    let truncation = Truncation(maxLength: maxLength, strategy: .onlySecond, stride: stride)
    let results = concurrentMap(questions.count) { index -> Result<[QuestionWindow], TokenizerError> in
      let question = questions[index]
      do throws(TokenizerError) {
        let windows = try tokenizer.encodeWindows(
          cut(question.text, to: maxQueryLength, with: tokenizer), pair: question.context,
          truncation: truncation)
        return .success(windows.map { QuestionWindow($0, of: question, at: index) })
      } catch {
        return .failure(error)
      }
    }
    var windows: [QuestionWindow] = []
    for result in results { windows += try result.get() }
    return windows
  }

  // MARK: Parts

  private init(_ encoding: Encoding, of question: Question, at index: Int) {
    let sequences = encoding.sequenceIndex
    let first = sequences.firstIndex(of: 1) ?? sequences.count
    let end = (sequences.lastIndex(of: 1) ?? first - 1) + 1
    contextTokens = first..<end
    offsets = Array(encoding.offsets[first..<end])
    self.question = index
    example = EncodedExample(ids: encoding.ids, segments: encoding.segments)
    if let answer = question.answers.first(where: { $0.start != nil }), let start = answer.start {
      example.target = span(of: start..<start + answer.length)
    } else if question.isImpossible {
      example.target = .span(start: 0, end: 0)
    }
  }

  /// The first token from which on nothing of the answer is missing, and the last.
  private func span(of answer: Range<Int>) -> ExampleTarget {
    guard let first = offsets.first, let last = offsets.last,
      first.lowerBound <= answer.lowerBound && answer.upperBound <= last.upperBound
    else { return .span(start: 0, end: 0) }
    let start = offsets.lastIndex { $0.lowerBound <= answer.lowerBound } ?? 0
    let end = offsets.firstIndex { $0.upperBound >= answer.upperBound } ?? offsets.count - 1
    let shift = contextTokens.lowerBound
    return .span(start: Int32(shift + min(start, end)), end: Int32(shift + max(start, end)))
  }

  /// The question up to the end of a token, without the white space on its left, which byte-level BPE would see.
  package static func cut(_ text: String, to maxCount: Int, with tokenizer: any Tokenizer) -> String {
    let text = String(String.UnicodeScalarView(text.unicodeScalars.drop { $0.properties.isWhitespace }))
    let offsets = tokenizer.encode(text, addSpecialTokens: false).offsets
    if offsets.count <= maxCount { return text }
    let end = maxCount > 0 ? offsets[maxCount - 1].upperBound : 0
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(end)))
  }
}
