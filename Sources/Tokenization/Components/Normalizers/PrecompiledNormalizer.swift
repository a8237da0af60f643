import Foundation
import ModelFormats

/// Normaliser by the rules of a SentencePiece model, `Precompiled` of `tokenizers`.
///
/// Each grapheme cluster of fewer than 6 bytes that begins with what a rule replaces becomes that rule's result and nothing
/// else; of other clusters each scalar is replaced by itself. Of several rules the one with the shortest left side counts.
/// SentencePiece itself takes the longest everywhere and drops nothing.
struct PrecompiledNormalizer: Normalizer {
  static let type = "Precompiled"

  /// The rules.
  let rules: CharacterRules
  /// The rules as they were read, in base64.
  private let base64: String

  /// Clusters of this many bytes or more are replaced scalar by scalar.
  private static let clusterLimit = 6

  init(_ reader: ComponentReader) throws(TokenizerError) {
    let base64 = try reader.string("precompiled_charsmap")
    guard let data = Data(base64Encoded: base64) else {
      throw reader.fault(
        "precompiled_charsmap", "found text that is not base64, expected the rules in base64")
    }
    do {
      rules = try CharacterRules([UInt8](data))
    } catch {
      throw reader.fault("precompiled_charsmap", error.reason)
    }
    self.base64 = base64
  }

  /// A normaliser by the rules of a SentencePiece model (`normalizer_spec.precompiled_charsmap`).
  init(_ charsmap: [UInt8]) throws(CharacterRules.Fault) {
    rules = try CharacterRules(charsmap)
    base64 = Data(charsmap).base64EncodedString()
  }

  var json: JSONValue { ["type": .string(Self.type), "precompiled_charsmap": .string(base64)] }

  func normalize(_ text: inout ChainText) {
    let start = rules.plainPrefix(of: text.text.bytes.span, from: 0)
    if start == text.text.count { return }
    guard let start = firstChange(in: text.text.bytes.span, from: start) else { return }
    text.transform { source, rewriter in rewrite(source, from: start, &rewriter) }
  }

  /// The beginning of the first cluster that changes, nil where none does.
  private func firstChange(in text: Span<UInt8>, from start: Int) -> Int? {
    var position = start
    while position < text.count {
      let plain = rules.plainPrefix(of: text, from: position)
      if plain > position {
        position = plain
        continue
      }
      let end = Graphemes.end(in: text, from: position)
      if end - position < Self.clusterLimit, rules.result(in: text, position..<end) != nil { return position }
      var scalar = position
      while scalar < end {
        let next = scalar + text.scalar(at: scalar).length
        if rules.result(in: text, scalar..<next) != nil { return position }
        scalar = next
      }
      position = end
    }
    return nil
  }

  private func rewrite(_ source: AlignedText, from start: Int, _ rewriter: inout TextRewriter) {
    let text = source.bytes.span
    var changes = PendingChange()
    if start > 0 {
      // The last scalar may have to take over what is removed behind it.
      let last = start - (text.scalar(before: start)?.length ?? 0)
      rewriter.keep(0..<last)
      changes.push(text.scalar(at: last).scalar, 0, &rewriter)
    }
    var position = start
    while position < text.count {
      let plain = rules.plainPrefix(of: text, from: position)
      if plain > position, let last = text.scalar(before: plain) {
        changes.flush(&rewriter)
        rewriter.keep(position..<plain - last.length)
        changes.push(last.scalar, 0, &rewriter)
        position = plain
        continue
      }
      let end = Graphemes.end(in: text, from: position)
      if end - position < Self.clusterLimit, let result = rules.result(in: text, position..<end) {
        replace(text, position..<end, by: result, &changes, &rewriter)
        position = end
        continue
      }
      while position < end {
        let (scalar, length) = text.scalar(at: position)
        if let result = rules.result(in: text, position..<position + length) {
          replace(text, position..<position + length, by: result, &changes, &rewriter)
        } else {
          changes.push(scalar, 0, &rewriter)
        }
        position += length
      }
    }
    changes.flush(&rewriter)
  }

  /// Replaces a stretch by a rule's result.
  private func replace(
    _ text: Span<UInt8>, _ old: Range<Int>, by result: Range<Int>, _ changes: inout PendingChange,
    _ rewriter: inout TextRewriter
  ) {
    let oldCount = Int(text.extracting(old).scalarCount)
    let results = rules.results.span
    let newCount = Int(results.extracting(result).scalarCount)
    var (position, index) = (result.lowerBound, 0)
    while position < result.upperBound {
      let (scalar, length) = results.scalar(at: position)
      // The last scalars of more than there were are those that were added.
      changes.push(scalar, index >= min(newCount, oldCount) ? 1 : 0, &rewriter)
      position += length
      index += 1
    }
    if newCount < oldCount { changes.remove(oldCount - newCount) }
  }
}

/// The change before the one that comes next, which still may have to remove what follows it.
private struct PendingChange {
  private var scalar: UInt32 = 0
  private var change = 0
  private var exists = false

  /// Adds a change and hands the one before it on.
  mutating func push(_ scalar: UInt32, _ change: Int, _ rewriter: inout TextRewriter) {
    if exists { rewriter.append(self.scalar, change: self.change) }
    (self.scalar, self.change, exists) = (scalar, change, true)
  }

  /// Has the last change remove scalars; without one `tokenizers` forgets them.
  mutating func remove(_ count: Int) {
    if exists { change -= count }
  }

  /// Hands the last change on.
  mutating func flush(_ rewriter: inout TextRewriter) {
    if exists { rewriter.append(scalar, change: change) }
    exists = false
  }
}
