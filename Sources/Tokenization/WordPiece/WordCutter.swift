/// Cutter of UTF-8 text into WordPiece tokens: normalises, splits into words and cuts words into pieces in one pass.
final class WordCutter: TextCutter {
  let trie: WordPieceTrie
  let actions: ScalarActions
  let normalizer: TextNormalizer
  let options: BertTokenizerOptions
  let unknownID: Int32
  /// The token of each word that is a single scalar below U+10000, -1 for none.
  private let singles: [Int32]
  /// The same for the scalars beyond.
  private let astralSingles: [UInt32: Int32]
  /// Whether the fused path is left out, for comparisons.
  private let isPlain: Bool

  init(_ vocabulary: Vocabulary, _ options: BertTokenizerOptions, unknownID: Int32) {
    self.options = options
    self.unknownID = unknownID
    isPlain = false
    trie = WordPieceTrie(
      vocabulary, prefix: options.continuingPrefix, maximumWordLength: options.maximumWordLength)
    actions = ScalarActions(options)
    normalizer = TextNormalizer(options)
    var singles = [Int32](repeating: -1, count: 0x10000)
    var astralSingles: [UInt32: Int32] = [:]
    if options.maximumWordLength >= 1 {
      vocabulary.forEach { token, id in
        guard token.count > 0, token.count <= 4 else { return }
        let (scalar, length) = token.scalar(at: 0)
        guard length == token.count else { return }
        if scalar < 0x10000 { singles[Int(scalar)] = id } else { astralSingles[scalar] = id }
      }
    }
    self.singles = singles
    self.astralSingles = astralSingles
  }

  /// The same without the fused path.
  var plain: WordCutter { WordCutter(plain: self) }

  private init(plain other: WordCutter) {
    trie = other.trie
    actions = other.actions
    normalizer = other.normalizer
    options = other.options
    unknownID = other.unknownID
    singles = other.singles
    astralSingles = other.astralSingles
    isPlain = true
  }

  /// The token of a word that is one scalar.
  @inline(__always)
  private func single(_ scalar: UInt32) -> Int32 {
    let id = scalar < 0x10000 ? singles[Int(scalar)] : astralSingles[scalar] ?? -1
    return id < 0 ? unknownID : id
  }

  func cut(_ text: Span<UInt8>, firstOrigin: Int32, into output: inout TokenBuffer) {
    let (count, words) = (output.count, output.wordCount)
    if isPlain || !cutFused(text, firstOrigin: firstOrigin, into: &output) {
      output.truncate(to: count)
      output.wordCount = words
      cut(normalizer.normalize(text, firstOrigin: firstOrigin), into: &output)
    }
  }

  func normalized(_ content: [UInt8]) -> [UInt8] {
    normalizer.normalize(content.span, firstOrigin: 0).utf8
  }

  func cut(
    _ text: Span<UInt8>, firstOrigin: Int32, finding tokens: AddedTokenMatcher,
    into output: inout TokenBuffer
  ) {
    let text = normalizer.normalize(text, firstOrigin: firstOrigin)
    let bytes = text.utf8
    var scalar = 0
    for stretch in tokens.split(bytes.span) {
      let part = bytes.span.extracting(stretch.range)
      let range = scalar..<(scalar + Int(part.scalarCount))
      scalar = range.upperBound
      if let id = stretch.id {
        let (first, last) = (text.origins[range.lowerBound], text.origins[range.upperBound - 1])
        output.append(match: id, first, last + 1, text: String(copying: part))
      } else {
        cut(
          TextNormalizer.Output(scalars: Array(text.scalars[range]), origins: Array(text.origins[range])),
          into: &output)
      }
    }
  }

  /// Cuts normalised text; the plain path.
  private func cut(_ text: TextNormalizer.Output, into output: inout TokenBuffer) {
    var word = WordScratch(limit: options.maximumWordLength)
    for (scalar, origin) in zip(text.scalars, text.origins) { place(scalar, origin, &word, &output) }
    flush(&word, into: &output)
  }

  /// Puts a normalised scalar where it belongs: into the word, beside it or nowhere.
  private func place(
    _ scalar: UInt32, _ origin: Int32, _ word: inout WordScratch, _ output: inout TokenBuffer
  ) {
    let properties = UnicodeTables.shared.properties(of: scalar)
    if properties.contains(.white) {
      flush(&word, into: &output)
    } else if properties.contains(.punctuation) {
      flush(&word, into: &output)
      output.append(single(scalar), origin, origin + 1)
    } else {
      word.append(scalar, origin: origin)
    }
  }

  /// The fused path; gives up (false) where combining marks may have to be reordered.
  private func cutFused(
    _ text: Span<UInt8>, firstOrigin: Int32, into output: inout TokenBuffer
  ) -> Bool {
    // Held here: the span of a member of a class would need a new hold for every word.
    let codes = actions.ascii
    let ascii = codes.span
    let space = ScalarAction.space.rawValue
    var origin = firstOrigin
    var position = 0
    var word = WordScratch(limit: options.maximumWordLength)
    while position < text.count {
      if word.isEmpty {
        let code = ascii[unchecked: Int(text[unchecked: position])]
        if code == space {
          position += 1
          origin += 1
          continue
        }
        if code >= 0x20 {
          let end = cutRun(text, ascii, from: position, origin: origin, into: &output)
          if end > position {
            origin += Int32(end - position)
            position = end
            continue
          }
        }
      }
      let (scalar, length) = text.scalar(at: position)
      switch ScalarAction(rawValue: actions.pages[scalar]) {
      case .copy, nil:
        word.append(scalar, origin: origin)
      case .drop:
        break
      case .space:
        flush(&word, into: &output)
      case .isolate:
        flush(&word, into: &output)
        output.append(single(scalar), origin, origin + 1)
      case .map:
        map(scalar, origin, &word, &output)
      case .mapIsolated:
        flush(&word, into: &output)
        map(scalar, origin, &word, &output)
        flush(&word, into: &output)
      case .reorder:
        return false
      }
      position += length
      origin += 1
    }
    flush(&word, into: &output)
    return true
  }

  private func map(
    _ scalar: UInt32, _ origin: Int32, _ word: inout WordScratch, _ output: inout TokenBuffer
  ) {
    if let range = actions.replacements.range(of: scalar) {
      for index in range { place(actions.replacements.parts[index], origin, &word, &output) }
    } else {
      var parts: [UInt32] = []
      ScalarActions.replacement(of: scalar, options, into: &parts)
      for part in parts { place(part, origin, &word, &output) }
    }
  }

  /// Cuts a word of plain ASCII, whose bytes and source scalars correspond one to one.
  ///
  /// - Returns: the position behind the word, or `start` when what follows belongs to the word but is not plain.
  @inline(__always)
  private func cutRun(
    _ text: Span<UInt8>, _ ascii: Span<UInt8>, from start: Int, origin: Int32,
    into output: inout TokenBuffer
  ) -> Int {
    let first = output.count
    var counter = NoStepCounter()
    var cursor = WordPieceTrie.Cursor()
    var isSpelled = true
    var position = start
    while position < text.count {
      let code = ascii[unchecked: Int(text[unchecked: position])]
      if code < 0x20 {
        if code == ScalarAction.space.rawValue || code == ScalarAction.isolate.rawValue { break }
        output.truncate(to: first)
        return start
      }
      if isSpelled { isSpelled = trie.advance(&cursor, code, into: &output, counter: &counter) }
      position += 1
    }
    if isSpelled { isSpelled = trie.finish(&cursor, into: &output, counter: &counter) }
    if !isSpelled || position - start > options.maximumWordLength {
      output.truncate(to: first)
      output.append(unknownID, origin, origin + Int32(position - start))
      return position
    }
    var previous = origin
    for index in first..<output.count {
      output.tokens[index].start = previous
      previous = origin + output.tokens[index].end
      output.tokens[index].end = previous
    }
    output.wordCount += 1
    return position
  }

  /// Ends the word under construction, if there is one.
  private func flush(_ word: inout WordScratch, into output: inout TokenBuffer) {
    if word.isEmpty { return }
    defer { word.clear() }
    let first = output.count
    var counter = NoStepCounter()
    guard !word.isTooLong,
      trie.match(word.bytes.span, into: &output, counter: &counter)
    else {
      output.append(unknownID, word.first, word.end)
      return
    }
    var start = 0
    for index in first..<output.count {
      let end = Int(output.tokens[index].end)
      output.tokens[index].start = word.origins[start]
      output.tokens[index].end = word.origins[end - 1] + 1
      start = end
    }
    output.wordCount += 1
  }
}

/// A word under construction, where its bytes do not follow the source text one to one.
struct WordScratch {
  /// The word in UTF-8.
  var bytes: [UInt8] = []
  /// The source scalar that each byte is aligned with.
  var origins: [Int32] = []
  /// The number of scalars, counted on beyond the limit.
  private(set) var scalars = 0
  /// The first source scalar.
  private(set) var first: Int32 = 0
  /// The position behind the last source scalar.
  private(set) var end: Int32 = 0
  /// Words of more scalars are unknown and not stored further.
  let limit: Int

  init(limit: Int) { self.limit = limit }

  var isEmpty: Bool { scalars == 0 }
  var isTooLong: Bool { scalars > limit }

  mutating func append(_ scalar: UInt32, origin: Int32) {
    if scalars == 0 { first = origin }
    end = origin + 1
    scalars += 1
    if isTooLong { return }
    bytes.append(utf8: scalar)
    while origins.count < bytes.count { origins.append(origin) }
  }

  mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    origins.removeAll(keepingCapacity: true)
    scalars = 0
  }
}
