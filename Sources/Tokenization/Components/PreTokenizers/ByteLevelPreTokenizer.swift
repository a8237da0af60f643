import ModelFormats

/// Pre-tokenizer that splits as GPT-2 does and writes each byte as a character that prints, `ByteLevel` of `tokenizers`.
struct ByteLevelPreTokenizer: PreTokenizer {
  static let type = "ByteLevel"

  /// Whether a piece that does not begin with a space gets one.
  let addsPrefixSpace: Bool
  /// The `trim_offsets` of files, which concerns post-processors alone.
  let trimsOffsets: Bool
  /// Whether text is split by GPT-2's regular expression.
  let splits: Bool

  init(_ reader: ComponentReader) throws(TokenizerError) {
    addsPrefixSpace = try reader.requiredFlag("add_prefix_space")
    trimsOffsets = try reader.requiredFlag("trim_offsets")
    splits = try reader.flag("use_regex") ?? true
  }

  /// A pre-tokenizer into bytes.
  init(addsPrefixSpace: Bool, splits: Bool) {
    self.addsPrefixSpace = addsPrefixSpace
    trimsOffsets = true
    self.splits = splits
  }

  var json: JSONValue {
    [
      "type": .string(Self.type), "add_prefix_space": .bool(addsPrefixSpace),
      "trim_offsets": .bool(trimsOffsets), "use_regex": .bool(splits),
    ]
  }

  private static let characters = ByteLevelAlphabet.scalars.map { Array(String($0).utf8) }

  func split(_ text: inout ChainText) {
    let space = UInt8(ascii: " ")
    text.rewritePieces { source, old, target, pieces in
      target.removeAll()
      for piece in old {
        let start = target.count
        if addsPrefixSpace, source.bytes[piece.lowerBound] != space {
          target.append([space], origin: source.origins[piece.lowerBound])
        }
        target.append(source, piece)
        pieces.append(start..<target.count)
      }
    }
    if splits {
      text.split { text, piece, pieces in
        let part = text.extracting(piece)
        var position = 0
        while position < part.count {
          let end = ByteLevelSplitter.shared.word(in: part, at: position).end
          pieces.append(piece.lowerBound + position..<piece.lowerBound + end)
          position = end
        }
      }
    }
    text.rewritePieces { source, old, target, pieces in
      target.removeAll()
      for piece in old {
        let start = target.count
        for position in piece {
          target.append(Self.characters[Int(source.bytes[position])], origin: source.origins[position])
        }
        pieces.append(start..<target.count)
      }
    }
  }
}
