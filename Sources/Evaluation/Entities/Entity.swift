/// A named entity: its type and the tokens that it covers.
public struct Entity: Sendable, Hashable {
  /// The type, such as PER; "_" for tags without one.
  public let type: String
  /// The tokens, counted from 0.
  public let tokens: Range<Int>

  /// An entity of a type over a range of tokens.
  public init(type: String, tokens: Range<Int>) {
    self.type = type
    self.tokens = tokens
  }

  /// The entities of one sentence, by the lenient rules of conlleval and of `seqeval` without a scheme.
  ///
  /// Any mix of B, I, E and S is read. Repairs: an I or E after O, E or S, or of another type than the tag before it,
  /// starts an entity; an entity goes on until a B, S or O, a change of type, or behind an E or S.
  ///
  /// - Parameter tags: such as `O`, `B-PER`, one a token; none empty.
  public static func lenient(_ tags: [String]) -> [Entity] {
    var reader = EntityTags()
    let parsed = tags.map { tag -> EntityTags.Tag in
      guard let tag = reader.lenient(tag) else {
        preconditionFailure("An entity tag is empty, expected one such as O or B-PER.")
      }
      return tag
    }
    return EntityTags.lenientChunks(parsed + [reader.outside]).map {
      Entity(type: reader.types[$0.type], tokens: $0.tokens)
    }
  }

  /// The entities of one sentence that keep to a scheme, as `seqeval` finds them in strict mode; others are no entities.
  ///
  /// Throws `EvaluationError.invalidTag` for a prefix that the scheme does not have.
  public static func strict(_ tags: [String], scheme: TagScheme) throws(EvaluationError) -> [Entity] {
    var reader = EntityTags()
    let chunks = try reader.strictChunks(tags, sentence: 0, scheme: scheme)
    return chunks.map { Entity(type: reader.types[$0.type], tokens: $0.tokens) }
  }
}
