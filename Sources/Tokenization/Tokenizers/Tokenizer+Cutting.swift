/// Tokenizer of some tokens of another, with the way back from its ids to the other's.
package struct CutTokenizer {
  /// The tokenizer.
  package let tokenizer: any Tokenizer
  /// The id in the other of each of its ids.
  package let oldIDs: [Int32]
}

extension Tokenizer {
  /// The tokenizer of fewer tokens, in their old order and with ids from 0.
  ///
  /// Beside the given tokens it keeps those that are found in raw text or frame sequences, and what its algorithm cannot do
  /// without: of byte-pair vocabularies the bytes and, for each token that stays, the merges that make it and their parts; of
  /// Unigram's the bytes, and the piece of the least score, from which that of unknown characters follows.
  /// A text whose tokens all stay is cut as before: longer pieces than those that WordPiece chose were not there already,
  /// and a merge that is gone was never made.
  ///
  /// - Parameter ids: The tokens to keep.
  /// - Throws: `TokenizerError` for a kind of tokenizer that cannot be cut.
  package func keeping(_ ids: Set<Int32>) throws(TokenizerError) -> CutTokenizer {
    var kept = ids.union(pipeline.added.tokens.map(\.id))
    kept.formUnion(pipeline.template.specials.values.joined().map(\.id))
    kept.formUnion([unkID, padID, clsID, sepID, maskID].compactMap(\.self))
    guard let kind = self as? any TokenizerKind else {
      throw .unsupported(
        file: "the tokenizer", component: "model", type: "\(Self.self)",
        supported: "WordPiece, byte-level BPE, Unigram")
    }
    return try cut(try kind.cutting(kept))
  }

  /// The tokenizer that `make` makes with the old frame around sequences, its ids being those of the new tokens.
  private func cut(_ make: TokenizerMaker) throws(TokenizerError) -> CutTokenizer {
    let bare = try make(.template(.plain))
    var template = pipeline.template
    template.specials = template.specials.mapValues { tokens in
      tokens.map { token in
        let content = self.token(token.id) ?? token.text
        return SequenceTemplate.Token(id: bare.id(of: content) ?? 0, text: token.text)
      }
    }
    let tokenizer = try make(.template(template))
    let oldIDs = (0..<Int32(tokenizer.idLimit)).map { id in
      tokenizer.token(id).flatMap { self.id(of: $0) } ?? 0
    }
    return CutTokenizer(tokenizer: tokenizer, oldIDs: oldIDs)
  }
}

extension Vocabulary {
  /// The tokens with some ids, in the same order.
  func keeping(_ ids: Set<Int32>) -> Vocabulary {
    Vocabulary(
      tokens.indices.filter { ids.contains(Int32($0)) && token(Int32($0)) != nil }.map { tokens[$0] })
  }
}

extension MergeTable {
  /// The merges of some tokens, to which the parts of these merges are added.
  func closing(_ kept: inout Set<Int32>) -> [Pair] {
    // Parts are made by earlier merges, so one way from the last to the first finds all; lists in another order need more.
    var before = -1
    while before != kept.count {
      before = kept.count
      for pair in pairs.reversed() where kept.contains(pair.token) {
        kept.formUnion([pair.left, pair.right])
      }
    }
    return pairs.filter { kept.contains($0.token) }
  }
}
