import ModelFormats

/// Unigram language model (Kudo 2018): of all ways to cut a piece of text into pieces of the vocabulary, the one of the
/// greatest sum of scores, equal to `Unigram` of `tokenizers` to the last bit and tie.
///
/// Scores are added in Float64 from left to right; of equal sums the one that was found first stays: the piece that begins
/// further left. What no piece of one character covers may be an unknown character, whose score is 10 below the least of all;
/// unknown characters beside each other are one token, or the tokens of their bytes.
struct UnigramModel: PieceModel {
  /// The score of each id.
  let scores: [Double]
  /// The token for what no piece covers.
  let unknownID: Int32
  /// Whether unknown characters become the tokens of their bytes, `<0x00>` to `<0xFF>`.
  let fallsBackToBytes: Bool
  private let vocabulary: Vocabulary
  private let trie: PieceTrie
  /// The scores in the order of the trie's pieces, so that those compared with each other come in one load.
  private let orderedScores: [Double]
  private let unknownScore: Double
  /// The token of each byte, -1 for none.
  private let byteTokens: [Int32]

  /// The score of an unknown character, below the least score.
  private static let unknownPenalty = 10.0

  /// - Parameters:
  ///   - vocabulary: The pieces.
  ///   - scores: The score of each id, finite.
  ///   - unknownID: An id of the vocabulary.
  init(_ vocabulary: Vocabulary, scores: [Double], unknownID: Int32, fallsBackToBytes: Bool = false) {
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknownID = unknownID
    self.fallsBackToBytes = fallsBackToBytes
    let trie = PieceTrie(vocabulary)
    self.trie = trie
    orderedScores = trie.ids.map { scores[Int($0)] }
    unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    byteTokens = fallsBackToBytes ? ByteFallback.tokens(of: vocabulary) : []
  }

  /// Room for one piece.
  struct Workspace: Sendable {
    /// The best way to reach a byte.
    fileprivate struct Node {
      var score = 0.0
      /// Where its last token begins, -1 where no way is known.
      var start: Int32 = -1
      /// The piece of its last token in the order of the trie, -1 for an unknown character.
      var piece: Int32 = 0
    }

    /// The tokens of short pieces cut lately.
    fileprivate var cache = WordCache()
    fileprivate var nodes: [Node] = []
    /// The ends of the best way's tokens, the last first.
    fileprivate var ends: [Int32] = []
  }

  func makeWorkspace() -> Workspace { Workspace() }

  func cut(_ piece: Span<UInt8>, _ workspace: inout Workspace, into output: inout TokenBuffer) {
    guard piece.count <= WordKey.limit else {
      cutAnew(piece, &workspace, into: &output)
      return
    }
    let key = WordKey(piece, 0..<piece.count)
    if workspace.cache.append(key, to: &output) { return }
    let (first, textCount) = (output.count, output.texts.count)
    cutAnew(piece, &workspace, into: &output)
    // Unknown tokens show their text, which the cache does not hold.
    if output.texts.count == textCount { workspace.cache.store(key, output.tokens, from: first) }
  }

  /// Cuts a piece without what was cut before.
  private func cutAnew(_ piece: Span<UInt8>, _ workspace: inout Workspace, into output: inout TokenBuffer) {
    search(piece, &workspace)
    var end = Int32(piece.count)
    workspace.ends.removeAll(keepingCapacity: true)
    while end > 0 {
      workspace.ends.append(end)
      end = workspace.nodes[Int(end)].start
    }
    /// The beginning of unknown characters.
    var unknown: Int32?
    for end in workspace.ends.reversed() {
      let node = workspace.nodes[Int(end)]
      let id = node.piece < 0 ? unknownID : trie.ids[Int(node.piece)]
      if id == unknownID {
        if unknown == nil { unknown = node.start }
        continue
      }
      if let start = unknown { append(unknown: piece, start, node.start, into: &output) }
      unknown = nil
      output.appendPiece(id, start: node.start, end: end)
    }
    if let start = unknown { append(unknown: piece, start, Int32(piece.count), into: &output) }
  }

  /// Finds the best way to each byte.
  @inline(__always)
  private func search(_ piece: Span<UInt8>, _ workspace: inout Workspace) {
    let count = piece.count
    while workspace.nodes.count <= count { workspace.nodes.append(Workspace.Node()) }
    var nodes = workspace.nodes.mutableSpan
    for position in 1...count { nodes[unchecked: position].start = -1 }
    nodes[unchecked: 0].score = 0
    let (units, heads, scores) = (trie.units.span, trie.heads.span, orderedScores.span)
    let root = units[0]
    var start = 0
    while start < count {
      let first = piece[unchecked: start]
      let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
      let here = nodes[unchecked: start].score
      var hasSingle = false
      var unit: PieceTrie.Unit
      var end: Int
      var isKnown: Bool
      if length == 3 {
        let (high, middle, low) = (
          Int(first), Int(piece[unchecked: start + 1]), Int(piece[unchecked: start + 2])
        )
        unit = heads[unchecked: (high & 0x0F) << 12 | (middle & 0x3F) << 6 | low & 0x3F]
        (end, isKnown) = (start + 3, !unit.isFree)
      } else {
        // Every base is at least 256 below the end of the array.
        unit = units[unchecked: root.child(along: first)]
        (end, isKnown) = (start + 1, unit.isReached(by: first))
      }
      while isKnown {
        if let found = unit.piece {
          let score = scores[unchecked: Int(found)] + here
          if nodes[unchecked: end].start < 0 || score > nodes[unchecked: end].score {
            nodes[unchecked: end] = Workspace.Node(score: score, start: Int32(start), piece: found)
          }
          if end - start == length { hasSingle = true }
        }
        if end == count { break }
        let byte = piece[unchecked: end]
        unit = units[unchecked: unit.child(along: byte)]
        isKnown = unit.isReached(by: byte)
        end += 1
      }
      if !hasSingle {
        let (end, score) = (start + length, unknownScore + here)
        if nodes[unchecked: end].start < 0 || score > nodes[unchecked: end].score {
          nodes[unchecked: end] = Workspace.Node(score: score, start: Int32(start), piece: -1)
        }
      }
      start += length
    }
  }

  /// Appends the token or tokens of unknown characters.
  private func append(
    unknown piece: Span<UInt8>, _ start: Int32, _ end: Int32, into output: inout TokenBuffer
  ) {
    let text = piece.extracting(Int(start)..<Int(end))
    // Unknown characters together can be a piece that lost by its score.
    if let id = vocabulary.id(of: text) {
      output.appendPiece(id, start: start, end: end)
    } else if !ByteFallback.append(text, byteTokens, start, end, into: &output) {
      output.texts.append((output.count, String(copying: text)))
      output.appendPiece(unknownID, start: start, end: end)
    }
  }

  func json(_ vocabulary: Vocabulary) -> JSONValue {
    [
      "type": "Unigram", "unk_id": .integer(Int(unknownID)),
      "vocab": .array(
        zip(vocabulary.tokens, scores).map { .array([.string($0), .double($1)]) }),
      "byte_fallback": .bool(fallsBackToBytes),
    ]
  }
}

extension UnigramModel {
  /// The vocabulary and the model of some tokens, and of what they cannot do without.
  ///
  /// A text whose tokens all stay is cut as before: what was better than all others still is, and unknown characters have
  /// the score that they had, since the piece of the least score stays. The characters of tokens that stay do so too, so that
  /// other texts of these are still spelt.
  func keeping(
    _ kept: Set<Int32>, of vocabulary: Vocabulary
  ) throws(TokenizerError) -> (vocabulary: Vocabulary, model: any PieceModel) {
    var kept = kept.union(byteTokens.filter { $0 >= 0 })
    kept.insert(unknownID)
    var characters: Set<Unicode.Scalar> = []
    for id in kept { characters.formUnion(vocabulary.token(id)?.unicodeScalars.map(\.self) ?? []) }
    kept.formUnion(characters.compactMap { vocabulary.id(of: String($0)) })
    if let least = scores.indices.min(by: { scores[$0] < scores[$1] }) { kept.insert(Int32(least)) }
    let ids = kept.filter { vocabulary.token($0) != nil }.sorted()
    let smaller = vocabulary.keeping(kept)
    guard let unknown = ids.firstIndex(of: unknownID) else {
      throw .invalid(
        file: TokenizerPipeline.smallerVocabulary, field: "unk_id",
        reason: "the vocabulary has no token of the id \(unknownID)")
    }
    let model = UnigramModel(
      smaller, scores: ids.map { scores[Int($0)] }, unknownID: Int32(unknown),
      fallsBackToBytes: fallsBackToBytes)
    return (smaller, model)
  }
}

/// The tokens of bytes, `<0x00>` to `<0xFF>`, that stand for characters which a vocabulary does not have.
enum ByteFallback {
  /// The token of each byte, -1 for one that the vocabulary does not have.
  static func tokens(of vocabulary: Vocabulary) -> [Int32] {
    (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return vocabulary.id(of: "<0x\(byte < 16 ? "0" : "")\(digits)>") ?? -1
    }
  }

  /// Appends the tokens of the bytes of a text, each of which stands for all of it; says whether there are all of them.
  ///
  /// - Parameters:
  ///   - tokens: The token of each byte; empty for no fallback.
  ///   - start: The first byte of the text in its piece.
  ///   - end: The byte behind the text.
  static func append(
    _ text: Span<UInt8>, _ tokens: [Int32], _ start: Int32, _ end: Int32, into output: inout TokenBuffer
  ) -> Bool {
    if tokens.isEmpty { return false }
    for position in 0..<text.count where tokens[Int(text[position])] < 0 { return false }
    for position in 0..<text.count {
      output.appendPiece(tokens[Int(text[position])], start: start, end: end)
    }
    return true
  }
}
