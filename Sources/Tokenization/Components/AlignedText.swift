/// Text on its way from the user's words to a model: UTF-8, and for each byte the scalar of the source that it stands for.
///
/// Every step that `tokenizers` has keeps what a character stands for or takes over that of another, so one scalar of the
/// source a byte says all that its pairs of offsets do.
struct AlignedText: Sendable, Equatable {
  /// The text in UTF-8.
  var bytes: [UInt8] = []
  /// The source scalar of each byte; all bytes of a scalar have the same.
  var origins: [Int32] = []

  /// An empty text.
  init() {}

  /// A text that stands for itself.
  ///
  /// - Parameters:
  ///   - text: Valid UTF-8.
  ///   - firstOrigin: The place of its first scalar in the source.
  init(_ text: Span<UInt8>, firstOrigin: Int32) { load(text, firstOrigin: firstOrigin) }

  var count: Int { bytes.count }
  var isEmpty: Bool { bytes.isEmpty }

  /// Becomes a text that stands for itself.
  mutating func load(_ text: Span<UInt8>, firstOrigin: Int32) {
    fill(upTo: text.count) { bytes, origins in
      var origin = firstOrigin - 1
      for position in 0..<text.count {
        let byte = text[unchecked: position]
        // Continuing bytes belong to the scalar before them.
        origin += byte & 0xC0 != 0x80 ? 1 : 0
        bytes[unchecked: position] = byte
        origins[unchecked: position] = origin
      }
      return text.count
    }
  }

  /// Empties the text and keeps its room.
  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    origins.removeAll(keepingCapacity: true)
  }

  /// Appends a scalar that stands for one of the source.
  mutating func append(_ scalar: UInt32, origin: Int32) {
    bytes.append(utf8: scalar)
    while origins.count < bytes.count { origins.append(origin) }
  }

  /// Appends valid UTF-8 that stands for one scalar of the source.
  mutating func append(_ text: [UInt8], origin: Int32) {
    bytes.append(contentsOf: text)
    while origins.count < bytes.count { origins.append(origin) }
  }

  /// Appends a stretch of another text.
  mutating func append(_ other: AlignedText, _ range: Range<Int>) {
    bytes.append(contentsOf: other.bytes[range])
    origins.append(contentsOf: other.origins[range])
  }

  /// Becomes what `body` writes into room for a number of bytes, in which anything may stand; it says how many it wrote.
  mutating func fill(
    upTo room: Int, _ body: (inout MutableSpan<UInt8>, inout MutableSpan<Int32>) -> Int
  ) {
    if bytes.count < room { bytes.append(contentsOf: repeatElement(0, count: room - bytes.count)) }
    if origins.count < room { origins.append(contentsOf: repeatElement(0, count: room - origins.count)) }
    let count = Self.write(into: &bytes, and: &origins, body)
    bytes.removeLast(bytes.count - count)
    origins.removeLast(origins.count - count)
  }

  private static func write(
    into bytes: inout [UInt8], and origins: inout [Int32],
    _ body: (inout MutableSpan<UInt8>, inout MutableSpan<Int32>) -> Int
  ) -> Int {
    var newBytes = bytes.mutableSpan
    var newOrigins = origins.mutableSpan
    return body(&newBytes, &newOrigins)
  }

  /// Calls `body` with each scalar and its range of bytes.
  func forEachScalar(_ body: (UInt32, Range<Int>) -> Void) {
    let span = bytes.span
    var position = 0
    while position < span.count {
      let (scalar, length) = span.scalar(at: position)
      body(scalar, position..<position + length)
      position += length
    }
  }

  /// The offsets in the source of a stretch that is not empty.
  func offsets(_ range: Range<Int>) -> (start: Int32, end: Int32) {
    (origins[range.lowerBound], origins[range.upperBound - 1] + 1)
  }
}

/// Rewriter of a text scalar by scalar, which says of each new scalar how it came about, as `NormalizedString.transform`
/// of `tokenizers` does.
///
/// A change of 0 replaces the next scalar of the old text, 1 adds one that stands for the same as the one before, and -n
/// replaces the next and removes n behind it. What changes say and what really happened can differ (`Precompiled` forgets
/// what it removes at the beginning), and then later scalars stand for others than one expects: offsets follow the changes.
struct TextRewriter {
  private let source: AlignedText
  /// The new text.
  private(set) var target: AlignedText
  /// The place in the old text that the changes have reached.
  private var place = 0

  /// - Parameters:
  ///   - source: The old text.
  ///   - target: Room for the new one, which is emptied.
  ///   - skipping: How many scalars at the beginning the new text leaves out.
  init(_ source: AlignedText, into target: consuming AlignedText, skipping: Int = 0) {
    self.source = source
    target.removeAll()
    self.target = target
    skip(skipping)
  }

  /// Adds a scalar to the new text.
  mutating func append(_ scalar: UInt32, change: Int) {
    // A change that reaches beyond the text has nothing to stand for but its end.
    let aligned = min(change > 0 ? max(place - 1, 0) : place, source.count - 1)
    target.append(scalar, origin: aligned < 0 ? 0 : source.origins[aligned])
    if change <= 0 { skip(1 - change) }
  }

  /// Adds a stretch of the old text as it is; each of its scalars replaces the next.
  mutating func keep(_ range: Range<Int>) {
    if place == range.lowerBound {
      target.append(source, range)
      place = range.upperBound
      return
    }
    let text = source
    let span = text.bytes.span
    var position = range.lowerBound
    while position < range.upperBound {
      let (scalar, length) = span.scalar(at: position)
      append(scalar, change: 0)
      position += length
    }
  }

  /// Goes over scalars of the old text.
  private mutating func skip(_ count: Int) {
    for _ in 0..<count where place < source.count {
      place += source.bytes.span.scalar(at: place).length
    }
  }
}

/// Workspace of a chain of steps: the text as it is now, the pieces that it is split into, and room for what they become.
struct ChainText: Sendable {
  /// The text as it is now.
  private(set) var text = AlignedText()
  /// The stretches that are cut by themselves, in order, none empty; text between them is gone.
  private(set) var pieces: [Range<Int>] = []
  private var spareText = AlignedText()
  private var sparePieces: [Range<Int>] = []

  /// Starts with a text that stands for itself.
  mutating func load(_ source: Span<UInt8>, firstOrigin: Int32) {
    text.load(source, firstOrigin: firstOrigin)
  }

  /// Starts with a stretch of a text.
  mutating func load(_ other: AlignedText, _ range: Range<Int>) {
    text.removeAll()
    text.append(other, range)
  }

  /// Makes the whole text one piece, or none where it is empty.
  mutating func beginSplitting() {
    pieces.removeAll(keepingCapacity: true)
    if !text.isEmpty { pieces.append(0..<text.count) }
  }

  /// Replaces the text by what `body` writes; pieces do not exist yet.
  mutating func rewrite(_ body: (AlignedText, inout AlignedText) -> Void) {
    spareText.removeAll()
    body(text, &spareText)
    swap(&text, &spareText)
  }

  /// Replaces the text by what a function makes of its scalars and their changes; pieces do not exist yet.
  ///
  /// - Parameter skipping: How many scalars at the beginning the new text leaves out.
  mutating func transform(skipping: Int = 0, _ body: (AlignedText, inout TextRewriter) -> Void) {
    var rewriter = TextRewriter(text, into: spareText, skipping: skipping)
    body(text, &rewriter)
    (spareText, text) = (text, rewriter.target)
  }

  /// Splits each piece into those that `body` appends; empty ones are left out.
  mutating func split(_ body: (Span<UInt8>, Range<Int>, inout [Range<Int>]) -> Void) {
    let text = text
    let bytes = text.bytes.span
    sparePieces.removeAll(keepingCapacity: true)
    for piece in pieces { body(bytes, piece, &sparePieces) }
    sparePieces.removeAll { $0.isEmpty }
    swap(&pieces, &sparePieces)
  }

  /// Rewrites the pieces and splits them again: `body` makes the new text, which begins as any other, and names its pieces.
  mutating func rewritePieces(
    _ body: (AlignedText, [Range<Int>], inout AlignedText, inout [Range<Int>]) -> Void
  ) {
    sparePieces.removeAll(keepingCapacity: true)
    body(text, pieces, &spareText, &sparePieces)
    sparePieces.removeAll { $0.isEmpty }
    swap(&text, &spareText)
    swap(&pieces, &sparePieces)
  }
}
