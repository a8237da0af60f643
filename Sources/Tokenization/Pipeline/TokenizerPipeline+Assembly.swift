extension TokenizerPipeline {
  /// Cuts one text, without special tokens around it.
  func cut(_ text: String) -> TokenBuffer {
    var buffer = TokenBuffer(bytes: text.utf8.count)
    cut(text, into: &buffer)
    return buffer
  }

  /// Cuts one text and appends its tokens.
  private func cut(_ text: String, into buffer: inout TokenBuffer) {
    var text = text
    text.makeContiguousUTF8()
    added.cut(text.utf8.span, with: cutter, into: &buffer)
  }

  /// One text or two with special tokens around.
  func encode(_ text: String, pair: String?, addSpecialTokens: Bool) -> Encoding {
    guard let pair else { return encode(text, addSpecialTokens: addSpecialTokens) }
    let buffers = [cut(text), cut(pair)]
    return assemble(buffers, buffers.map { 0..<$0.count }, addSpecialTokens: addSpecialTokens)
  }

  /// One text with the special tokens of its layout, cut right where it belongs.
  private func encode(_ text: String, addSpecialTokens: Bool) -> Encoding {
    let layout = layouts[isPair: false, addSpecialTokens: addSpecialTokens]
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

  /// What is kept of some texts, with special tokens around.
  func assemble(_ buffers: [TokenBuffer], _ kept: [Range<Int>], addSpecialTokens: Bool) -> Encoding {
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

  /// How much of each text a truncation keeps; all of it without one.
  func kept(
    _ buffers: [TokenBuffer], addSpecialTokens: Bool, _ truncation: Truncation?
  ) throws(TokenizerError) -> [Range<Int>] {
    guard let truncation else { return buffers.map { 0..<$0.count } }
    let added = layouts[isPair: buffers.count == 2, addSpecialTokens: addSpecialTokens].specialCount
    return try truncation.keptLengths(buffers.map(\.count), added: added).map { 0..<$0 }
  }

  private func encoding(
    _ buffer: TokenBuffer, _ lengths: (Int, Int), _ layout: SequenceLayout
  ) -> Encoding {
    Encoding(
      records: buffer.tokens, texts: buffer.texts, lengths: lengths, layout: layout, pipeline: self)
  }
}
