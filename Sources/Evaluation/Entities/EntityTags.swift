/// Reader of tags: each spelling is taken apart once, each type gets a number.
struct EntityTags {
  /// A tag taken apart.
  struct Tag {
    /// The prefix; empty for a letter that no scheme has.
    let prefix: TagScheme.Prefixes
    /// The first letter.
    let letter: Unicode.Scalar
    /// The number of the type.
    let type: Int
  }

  /// An entity with the number of its type.
  struct Chunk: Hashable {
    let type: Int
    let tokens: Range<Int>
  }

  /// The types by number; number 0 is that of tags without a type.
  private(set) var types = ["_"]
  private var numbers = ["_": 0]
  private var lenientTags: [String: Tag] = [:]
  private var strictTags: [String: Tag] = [:]

  /// The tag O.
  let outside = Tag(prefix: .o, letter: "O", type: 0)

  // MARK: Lenient

  /// A tag in default mode: the type is what follows the first hyphen behind the first letter, or all of it.
  mutating func lenient(_ tag: String) -> Tag? {
    if let known = lenientTags[tag] { return known }
    guard let letter = tag.unicodeScalars.first else { return nil }
    let rest = tag.unicodeScalars.dropFirst()
    let hyphen = rest.firstIndex(of: "-")
    let type = hyphen.map { rest[rest.index(after: $0)...] } ?? rest
    let parsed = Tag(prefix: .init(letter: letter) ?? [], letter: letter, type: number(String(type)))
    lenientTags[tag] = parsed
    return parsed
  }

  /// The entities of one run of tags in default mode; the last tag must be O.
  ///
  /// `seqeval` joins all sentences with an O between; ill-formed tags can carry a start over it, which is kept.
  static func lenientChunks(_ tags: [Tag]) -> [Chunk] {
    var chunks: [Chunk] = []
    // Before the first tag there is an O whose type is no type at all, not even that of O.
    var previous = Tag(prefix: .o, letter: "O", type: -1)
    var start = 0
    for (index, tag) in tags.enumerated() {
      if ends(previous, before: tag) { chunks.append(Chunk(type: previous.type, tokens: start..<index)) }
      if starts(tag, after: previous) { start = index }
      previous = tag
    }
    return chunks
  }

  private static func ends(_ previous: Tag, before tag: Tag) -> Bool {
    switch previous.letter {
    case "E", "S": return true
    case "B", "I": if tag.letter == "B" || tag.letter == "S" || tag.letter == "O" { return true }
    case "O", ".": return false
    default: break
    }
    return previous.type != tag.type
  }

  private static func starts(_ tag: Tag, after previous: Tag) -> Bool {
    switch tag.letter {
    case "B", "S": return true
    case "E", "I":
      if previous.letter == "E" || previous.letter == "S" || previous.letter == "O" { return true }
    case "O", ".": return false
    default: break
    }
    return previous.type != tag.type
  }

  // MARK: Strict

  /// A tag in strict mode: the type is what follows the first letter without the hyphens around it.
  mutating func strict(_ tag: String) -> Tag? {
    if let known = strictTags[tag] { return known }
    guard let letter = tag.unicodeScalars.first, let prefix = TagScheme.Prefixes(letter: letter) else {
      return nil
    }
    var type = tag.unicodeScalars.dropFirst()
    while type.first == "-" { type.removeFirst() }
    while type.last == "-" { type.removeLast() }
    let parsed = Tag(prefix: prefix, letter: letter, type: number(String(type)))
    strictTags[tag] = parsed
    return parsed
  }

  /// The entities of one sentence in strict mode.
  mutating func strictChunks(
    _ names: [String], sentence: Int, scheme: TagScheme
  ) throws(EvaluationError) -> [Chunk] {
    let rules = scheme.rules
    var tags: [Tag] = []
    tags.reserveCapacity(names.count + 1)
    for (index, name) in names.enumerated() {
      guard let tag = strict(name), rules.allowed.contains(tag.prefix) else {
        throw .invalidTag(name, sentence: sentence, token: index, scheme: scheme)
      }
      tags.append(tag)
    }
    tags.append(outside)
    var chunks: [Chunk] = []
    var index = 0
    var previous = outside
    while index < tags.count {
      let start = index
      index += 1
      if rules.start.contains(where: { $0.matches(previous, tags[start]) }) {
        while index < tags.count, rules.inside.contains(where: { $0.matches(tags[index - 1], tags[index]) }) {
          index += 1
        }
        // No entity holds the O behind the sentence, so one that runs on has a tag after it.
        if index < tags.count, rules.end.contains(where: { $0.matches(tags[index - 1], tags[index]) }) {
          chunks.append(Chunk(type: tags[start].type, tokens: start..<index))
        }
      }
      previous = tags[index - 1]
    }
    return chunks
  }

  private mutating func number(_ type: String) -> Int {
    if type.isEmpty { return 0 }
    if let known = numbers[type] { return known }
    types.append(type)
    numbers[type] = types.count - 1
    return types.count - 1
  }
}

extension TagScheme.Pattern {
  /// Whether two neighbouring tags are as the pattern says.
  func matches(_ first: EntityTags.Tag, _ second: EntityTags.Tag) -> Bool {
    guard previous.contains(first.prefix), current.contains(second.prefix) else { return false }
    switch types {
    case .any: return true
    case .same: return first.type == second.type
    case .different: return first.type != second.type
    }
  }
}

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
