import Dispatch

extension BertTokenizer {
  /// Tokenizes a text or a pair of texts.
  ///
  /// - Parameters:
  ///   - text: the text.
  ///   - pair: a second text behind it.
  ///   - addSpecialTokens: whether [CLS] and [SEP] are put around.
  public func encode(_ text: String, pair: String? = nil, addSpecialTokens: Bool = true) -> Encoding {
    let buffers = [cut(text)] + (pair.map { [cut($0)] } ?? [])
    return assemble(buffers, buffers.map { 0..<$0.count }, addSpecialTokens)
  }

  /// Tokenizes a text or a pair of texts and cuts it to a length.
  ///
  /// - Throws: `TokenizerError.truncation` when the strategy cannot reach the length.
  public func encode(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, truncation: Truncation?
  ) throws(TokenizerError) -> Encoding {
    let buffers = [cut(text)] + (pair.map { [cut($0)] } ?? [])
    return assemble(buffers, try kept(buffers, addSpecialTokens, truncation), addSpecialTokens)
  }

  /// Tokenizes a text or a pair of texts, giving only ids and segments: the cheap form for training.
  public func encodeIDs(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true
  ) -> (ids: [Int32], segments: [Int32]) {
    let buffers = [cut(text)] + (pair.map { [cut($0)] } ?? [])
    return assembleIDs(buffers, buffers.map { 0..<$0.count }, addSpecialTokens)
  }

  /// Tokenizes a text or a pair of texts and cuts it to a length, giving only ids and segments.
  ///
  /// - Throws: `TokenizerError.truncation` when the strategy cannot reach the length.
  public func encodeIDs(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, truncation: Truncation?
  ) throws(TokenizerError) -> (ids: [Int32], segments: [Int32]) {
    let buffers = [cut(text)] + (pair.map { [cut($0)] } ?? [])
    return assembleIDs(buffers, try kept(buffers, addSpecialTokens, truncation), addSpecialTokens)
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
    let added = addSpecialTokens ? template.addedCount(isPair: buffers.count == 2) : 0
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

  private func assembleIDs(
    _ buffers: [TokenBuffer], _ kept: [Range<Int>], _ addSpecialTokens: Bool
  ) -> (ids: [Int32], segments: [Int32]) {
    let isPair = buffers.count == 2
    let count = kept.reduce(0) { $0 + $1.count } + template.addedCount(isPair: isPair)
    var ids: [Int32] = []
    var segments: [Int32] = []
    ids.reserveCapacity(count)
    segments.reserveCapacity(count)
    for piece in template.pieces(isPair: isPair) {
      switch piece {
      case .text(let index, let segment):
        for token in buffers[index].tokens[kept[index]] { ids.append(token.id) }
        segments.append(contentsOf: repeatElement(segment, count: kept[index].count))
      case .special(let name, let segment) where addSpecialTokens:
        for token in template.specials[name] ?? [] {
          ids.append(token.id)
          segments.append(segment)
        }
      case .special: break
      }
    }
    return (ids, segments)
  }

  private func assemble(
    _ buffers: [TokenBuffer], _ kept: [Range<Int>], _ addSpecialTokens: Bool
  ) -> Encoding {
    let isPair = buffers.count == 2
    var result = Encoding(
      capacity: kept.reduce(0) { $0 + $1.count } + template.addedCount(isPair: isPair))
    for piece in template.pieces(isPair: isPair) {
      switch piece {
      case .text(let index, let segment):
        append(buffers[index], kept[index], index, segment, to: &result)
      case .special(let name, let segment) where addSpecialTokens:
        for token in template.specials[name] ?? [] {
          result.ids.append(token.id)
          result.segments.append(segment)
          result.tokens.append(token.text)
          result.offsets.append(0..<0)
          result.sequenceIndex.append(nil)
          result.wordIndex.append(nil)
          result.specialTokensMask.append(true)
        }
      case .special: break
      }
    }
    return result
  }

  private func append(
    _ buffer: TokenBuffer, _ kept: Range<Int>, _ index: Int, _ segment: Int32, to result: inout Encoding
  ) {
    let base = result.ids.count - kept.lowerBound
    result.segments.append(contentsOf: repeatElement(segment, count: kept.count))
    result.sequenceIndex.append(contentsOf: repeatElement(Int?(index), count: kept.count))
    result.specialTokensMask.append(contentsOf: repeatElement(false, count: kept.count))
    let strings = vocabulary.tokens
    for token in buffer.tokens[kept] {
      result.ids.append(token.id)
      // Added tokens beyond the vocabulary show the text they matched, below.
      result.tokens.append(Int(token.id) < strings.count ? strings[Int(token.id)] : "")
      result.offsets.append(Int(token.start)..<Int(token.end))
      result.wordIndex.append(Int(token.word))
    }
    for (token, text) in buffer.texts where kept.contains(token) { result.tokens[base + token] = text }
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
