import Dispatch

extension BertTokenizer {
  /// Tokenizes a text or a pair of texts.
  ///
  /// - Parameters:
  ///   - text: the text.
  ///   - pair: a second text behind it.
  ///   - addSpecialTokens: whether [CLS] and [SEP] are put around.
  public func encode(_ text: String, pair: String? = nil, addSpecialTokens: Bool = true) -> Encoding {
    guard let pair else {
      let layout = layouts[isPair: false, addSpecialTokens: addSpecialTokens]
      return cut(text, as: layout)
    }
    let buffers = [cut(text), cut(pair)]
    return assemble(buffers, buffers.map { 0..<$0.count }, addSpecialTokens)
  }

  /// Tokenizes a text or a pair of texts and cuts it to a length.
  ///
  /// - Throws: `TokenizerError.truncation` when the strategy cannot reach the length.
  public func encode(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, truncation: Truncation?
  ) throws(TokenizerError) -> Encoding {
    guard truncation != nil else { return encode(text, pair: pair, addSpecialTokens: addSpecialTokens) }
    let buffers = [cut(text)] + (pair.map { [cut($0)] } ?? [])
    return assemble(buffers, try kept(buffers, addSpecialTokens, truncation), addSpecialTokens)
  }

  /// Tokenizes a text or a pair of texts, giving only ids and segments: the cheap form for training.
  public func encodeIDs(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true
  ) -> (ids: [Int32], segments: [Int32]) {
    let encoding = encode(text, pair: pair, addSpecialTokens: addSpecialTokens)
    return (encoding.ids, encoding.segments)
  }

  /// Tokenizes a text or a pair of texts and cuts it to a length, giving only ids and segments.
  ///
  /// - Throws: `TokenizerError.truncation` when the strategy cannot reach the length.
  public func encodeIDs(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, truncation: Truncation?
  ) throws(TokenizerError) -> (ids: [Int32], segments: [Int32]) {
    let encoding = try encode(text, pair: pair, addSpecialTokens: addSpecialTokens, truncation: truncation)
    return (encoding.ids, encoding.segments)
  }

  /// Tokenizes a text or a pair and lays windows over what is too long, each repeating `stride` tokens of the one before.
  ///
  /// The first window is what `encode` returns; the others follow in the order of `overflowing` in `tokenizers`.
  ///
  /// - Throws: `TokenizerError.truncation` when the strategy cannot reach the length.
  public func encodeWindows(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, truncation: Truncation
  ) throws(TokenizerError) -> [Encoding] {
    let buffers = [cut(text)] + (pair.map { [cut($0)] } ?? [])
    let lengths = try kept(buffers, addSpecialTokens, truncation)
    let windows = zip(buffers, lengths).map { buffer, kept in
      Self.windows(count: buffer.count, length: kept.count, stride: truncation.stride)
    }
    if windows.count == 1 {
      return windows[0].map { assemble(buffers, [$0], addSpecialTokens) }
    }
    let (first, second) = (windows[0], windows[1])
    var order = [[first[0], second[0]]]
    for a in first.dropFirst() { order += second.map { [a, $0] } }
    order += second.dropFirst().map { [first[0], $0] }
    return order.map { assemble(buffers, $0, addSpecialTokens) }
  }

  /// Tokenizes many texts on all cores; the result does not depend on the number of cores.
  ///
  /// - Parameter pairs: a second text for each, or nil.
  public func encodeBatch(
    _ texts: [String], pairs: [String]? = nil, addSpecialTokens: Bool = true, threads: Int? = nil
  ) -> [Encoding] {
    checkPairs(texts, pairs)
    return concurrently(texts.count, threads: threads) { index in
      encode(texts[index], pair: pairs?[index], addSpecialTokens: addSpecialTokens)
    }
  }

  /// Tokenizes many texts on all cores and cuts each to a length, giving only ids and segments.
  ///
  /// - Throws: `TokenizerError.truncation` for the first text that the strategy cannot cut to the length.
  public func encodeIDsBatch(
    _ texts: [String], pairs: [String]? = nil, addSpecialTokens: Bool = true, truncation: Truncation? = nil,
    threads: Int? = nil
  ) throws(TokenizerError) -> [(ids: [Int32], segments: [Int32])] {
    checkPairs(texts, pairs)
    let results = concurrently(texts.count, threads: threads) {
      index -> Result<(ids: [Int32], segments: [Int32]), TokenizerError> in
      do throws(TokenizerError) {
        return .success(
          try encodeIDs(
            texts[index], pair: pairs?[index], addSpecialTokens: addSpecialTokens, truncation: truncation))
      } catch {
        return .failure(error)
      }
    }
    var encoded: [(ids: [Int32], segments: [Int32])] = []
    encoded.reserveCapacity(results.count)
    for result in results { encoded.append(try result.get()) }
    return encoded
  }

  /// Tokenizes a text by the plain path, which the fused one must equal.
  package func encodePlainly(_ text: String) -> Encoding {
    var buffer = TokenBuffer()
    added.cut(Array(text.utf8).span, with: cutter.plain, into: &buffer)
    return assemble([buffer], [0..<buffer.count], true)
  }

  /// The number of transitions and failures it takes to cut one word, for the guard of linear time.
  package func stepCount(word: String) -> Int {
    var buffer = TokenBuffer()
    var counter = CountingStepCounter()
    _ = cutter.trie.match(Array(word.utf8).span, into: &buffer, counter: &counter)
    return counter.count
  }

  // MARK: Parts

  private func checkPairs(_ texts: [String], _ pairs: [String]?) {
    precondition(
      pairs.map { $0.count == texts.count } ?? true,
      "Each text needs one pair, but there are \(texts.count) texts and \(pairs?.count ?? 0) pairs.")
  }

  private func kept(
    _ buffers: [TokenBuffer], _ addSpecialTokens: Bool, _ truncation: Truncation?
  ) throws(TokenizerError) -> [Range<Int>] {
    guard let truncation else { return buffers.map { 0..<$0.count } }
    let added = layouts[isPair: buffers.count == 2, addSpecialTokens: addSpecialTokens].specialCount
    return try truncation.keptLengths(buffers.map(\.count), added: added).map { 0..<$0 }
  }

  /// The windows over `count` tokens.
  private static func windows(count: Int, length: Int, stride step: Int) -> [Range<Int>] {
    if length >= count { return [0..<count] }
    if length == 0 { return [0..<0, 0..<count] }
    var windows: [Range<Int>] = []
    var start = 0
    while true {
      let end = min(start + length, count)
      windows.append(start..<end)
      if end == count { return windows }
      start += length - step
    }
  }

  /// One text as a layout has it, cut right where it belongs.
  private func cut(_ text: String, as layout: SequenceLayout) -> Encoding {
    var buffer = TokenBuffer(bytes: text.utf8.count)
    var length = 0
    for part in layout.parts {
      switch part {
      case .text:
        let start = buffer.count
        cut(text, into: &buffer)
        length = buffer.count - start
      case .specials(let tokens, _): buffer.append(specials: tokens)
      }
    }
    return encoding(buffer, (length, 0), layout)
  }

  private func encoding(
    _ buffer: TokenBuffer, _ lengths: (Int, Int), _ layout: SequenceLayout
  ) -> Encoding {
    Encoding(
      records: buffer.tokens, texts: buffer.texts, lengths: lengths, layout: layout,
      vocabulary: vocabulary.tokens)
  }

  /// What is kept of some texts, with special tokens around.
  private func assemble(
    _ buffers: [TokenBuffer], _ kept: [Range<Int>], _ addSpecialTokens: Bool
  ) -> Encoding {
    let layout = layouts[isPair: buffers.count == 2, addSpecialTokens: addSpecialTokens]
    var result = TokenBuffer()
    result.tokens.reserveCapacity(kept.reduce(layout.specialCount) { $0 + $1.count })
    for part in layout.parts {
      switch part {
      case .text(let index, _):
        let (buffer, range) = (buffers[index], kept[index])
        let shift = result.count - range.lowerBound
        for (token, text) in buffer.texts where range.contains(token) {
          result.texts.append((token + shift, text))
        }
        result.tokens.append(contentsOf: buffer.tokens[range])
      case .specials(let tokens, _): result.append(specials: tokens)
      }
    }
    return encoding(result, (kept[0].count, kept.count == 2 ? kept[1].count : 0), layout)
  }

  private func concurrently<Element: Sendable>(
    _ count: Int, threads: Int?, _ body: @Sendable (Int) -> Element
  ) -> [Element] {
    if count == 0 { return [] }
    // Blocks keep neighbours together and are small enough to even out texts of different lengths.
    let block = max(1, min(64, count / 8))
    let blocks = (count + block - 1) / block
    if threads == 1 || blocks == 1 { return (0..<count).map(body) }
    return [Element](unsafeUninitializedCapacity: count) { storage, initialized in
      let slots = Slots(base: storage.baseAddress)
      let workers = min(threads ?? blocks, blocks)
      DispatchQueue.concurrentPerform(iterations: workers) { worker in
        for index in stride(from: worker, to: blocks, by: workers) {
          for item in index * block..<min((index + 1) * block, count) { slots.set(item, body(item)) }
        }
      }
      initialized = count
    }
  }

  /// The places of the results; each is written once, by one worker.
  private struct Slots<Element>: @unchecked Sendable {
    let base: UnsafeMutablePointer<Element>?
    func set(_ index: Int, _ element: Element) { base?.advanced(by: index).initialize(to: element) }
  }
}
