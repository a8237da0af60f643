import Kernels
public import Tokenization

/// Running text as sequences of one length, made while the text is read.
///
/// Lines are tokenized with their special tokens, laid end to end and cut every `maxLength` tokens, as `run_mlm` does; what
/// is left at the very end is a shorter sequence instead of being dropped. Line by line, each is a sequence of its own,
/// cut to the length.
public struct PackedTexts<Lines: IteratorProtocol<String>>: Sequence, IteratorProtocol {
  /// The texts that are left.
  public private(set) var lines: Lines
  /// The largest number of tokens of a sequence.
  public let maxLength: Int
  /// Whether each line is a sequence of its own.
  public let isLineByLine: Bool
  private let tokenizer: any Tokenizer
  private var ready: ArraySlice<EncodedExample> = []
  private var rest: (ids: [Int32], segments: [Int32]) = ([], [])

  /// The lines that are tokenized at once, on all cores.
  private static var batch: Int { 1024 }

  /// Sequences over lines, such as `TextLines` or the iterator of an array.
  ///
  /// Throws `TokenizerError.truncation` when the length leaves no room for a token.
  public init(
    _ lines: Lines, with tokenizer: any Tokenizer, maxLength: Int, isLineByLine: Bool = false
  ) throws(TokenizerError) {
    let added = tokenizer.addedTokenCount()
    guard maxLength > added else {
      throw .truncation(
        reason:
          "the length \(maxLength) leaves no room beside the \(added) special tokens; allow at least \(added + 1)"
      )
    }
    self.lines = lines
    self.tokenizer = tokenizer
    self.maxLength = maxLength
    self.isLineByLine = isLineByLine
  }

  /// The next sequence, nil when the text is used up.
  public mutating func next() -> EncodedExample? {
    while true {
      if let example = ready.popFirst() { return example }
      var texts: [String] = []
      while texts.count < Self.batch, let line = lines.next() { texts.append(line) }
      if texts.isEmpty {
        defer { rest = ([], []) }
        return rest.ids.isEmpty ? nil : EncodedExample(ids: rest.ids, segments: rest.segments)
      }
      add(texts)
    }
  }

  private mutating func add(_ texts: [String]) {
    let (tokenizer, maxLength, isLineByLine) = (tokenizer, maxLength, isLineByLine)
    let frame = SpecialFrame(of: tokenizer)
    let lines = concurrentMap(texts.count) { index in
      let ids = tokenizer.encodeIDs(texts[index], addSpecialTokens: false).ids
      return frame.around(isLineByLine ? Array(ids.prefix(maxLength - frame.count)) : ids)
    }
    if isLineByLine {
      ready = lines[...]
      return
    }
    for line in lines {
      rest.ids += line.ids
      rest.segments += line.segments
    }
    let whole = rest.ids.count / maxLength * maxLength
    ready =
      stride(from: 0, to: whole, by: maxLength).map { start in
        EncodedExample(
          ids: Array(rest.ids[start..<start + maxLength]),
          segments: Array(rest.segments[start..<start + maxLength]))
      }[...]
    rest.ids.removeFirst(whole)
    rest.segments.removeFirst(whole)
  }
}
