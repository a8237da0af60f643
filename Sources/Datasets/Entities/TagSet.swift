/// The tags of a scheme over some types of entities, as classes of a model: `O` first, then type by type.
///
/// With BIO and the types PER and LOC: O, B-PER, I-PER, B-LOC, I-LOC.
public struct TagSet: Sendable, Hashable {
  /// The scheme by which tags mark entities.
  public let scheme: TaggingScheme
  /// The types of entities.
  public let types: [String]

  /// The class of a word outside of all entities.
  public static let outside = 0

  /// The tags of a scheme over some types.
  public init(scheme: TaggingScheme, types: [String]) {
    self.scheme = scheme
    self.types = types
  }

  /// The number of tags.
  public var count: Int { 1 + types.count * scheme.letters.count }

  /// The tags by class.
  public var names: [String] {
    ["O"] + types.flatMap { type in scheme.letters.map { "\($0)-\(type)" } }
  }

  /// Writes entities that do not overlap as one class a word.
  ///
  /// - Parameter count: The number of words.
  public func tags(of entities: [EntitySpan], count: Int) -> [Int] {
    var tags = [Int](repeating: Self.outside, count: count)
    var previous: EntitySpan?
    for entity in entities {
      let words = entity.words
      for word in words {
        let role: TaggingScheme.Role
        switch scheme {
        case .bio: role = word == words.lowerBound ? .begin : .inside
        case .iob1:
          let follows = previous?.type == entity.type && previous?.words.upperBound == words.lowerBound
          role = follows && word == words.lowerBound ? .begin : .inside
        case .bioes, .bmes:
          if words.count == 1 {
            role = .single
          } else if word == words.lowerBound {
            role = .begin
          } else {
            role = word == words.upperBound - 1 ? .end : .inside
          }
        }
        tags[word] = 1 + entity.type * scheme.letters.count + role.rawValue
      }
      previous = entity
    }
    return tags
  }

  /// Reads the entities that one class a word marks; what the scheme does not allow gets its plain meaning.
  ///
  /// As in CoNLL's script, a tag that goes on with nothing begins an entity, and one that never ends does so before the
  /// next.
  public func entities(of tags: [Int]) -> [EntitySpan] {
    let width = scheme.letters.count
    return Self.read(
      tags.map { tag in
        tag == Self.outside
          ? nil : TaggingScheme.Role(rawValue: (tag - 1) % width).map { (role: $0, type: (tag - 1) / width) }
      }, scheme: scheme
    ).entities
  }
}

extension TagSet {
  typealias Mark = (role: TaggingScheme.Role, type: Int)

  /// Irregularity against the scheme: the word, and what was made of it.
  enum Irregularity: Equatable {
    /// A tag that goes on with an entity where none is.
    case beginsWithoutBegin(word: Int)
    /// An entity whose last word says that it goes on.
    case endsWithoutEnd(word: Int)
  }

  /// The class of a tag as a file has it, or what is wrong with it.
  func mark(of raw: String) -> Result<Mark?, TagError> {
    if raw == "O" { return .success(nil) }
    let parts = raw.split(separator: raw.dropFirst().first == "_" ? "_" : "-", maxSplits: 1)
    guard parts.count == 2, parts[0].count == 1, let letter = parts[0].first,
      let role = scheme.role(of: letter)
    else { return .failure(.prefix) }
    guard let type = types.firstIndex(of: String(parts[1])) else { return .failure(.type) }
    return .success((role, type))
  }

  /// Error of a tag that cannot be read.
  enum TagError: Error { case prefix, type }

  static func read(_ marks: [Mark?], scheme: TaggingScheme) -> (
    entities: [EntitySpan], irregularities: [Irregularity]
  ) {
    var entities: [EntitySpan] = []
    var irregularities: [Irregularity] = []
    var open: (start: Int, type: Int)?
    func close(before word: Int) {
      guard let entity = open else { return }
      if scheme.marksEnds { irregularities.append(.endsWithoutEnd(word: word - 1)) }
      entities.append(EntitySpan(type: entity.type, words: entity.start..<word))
      open = nil
    }
    for (word, mark) in marks.enumerated() {
      guard let mark else {
        close(before: word)
        continue
      }
      let goesOn = open?.type == mark.type && (mark.role == .inside || mark.role == .end)
      if !goesOn {
        close(before: word)
        open = (word, mark.type)
        let begins = mark.role == .begin || mark.role == .single
        if !begins && scheme != .iob1 { irregularities.append(.beginsWithoutBegin(word: word)) }
      }
      if (mark.role == .end || mark.role == .single), let entity = open {
        entities.append(EntitySpan(type: entity.type, words: entity.start..<word + 1))
        open = nil
      }
    }
    close(before: marks.count)
    return (entities, irregularities)
  }
}

/// A way to write entities as one tag a word; all of them have `O` outside and a hyphen before the type.
public enum TaggingScheme: String, Codable, Sendable, CaseIterable {
  /// `B-` begins an entity, `I-` goes on with it; also known as IOB2.
  case bio = "BIO"
  /// BIO, but an entity begins with `B-` only directly behind another of its type, else with `I-`: CoNLL-2003.
  case iob1 = "IOB1"
  /// BIO, and `E-` ends an entity, `S-` is one of a single word; the `L-` and `U-` of BILOU are read too.
  case bioes = "BIOES"
  /// BIOES with `M-` for `I-`, usual for Chinese.
  case bmes = "BMES"

  /// Role of a word in an entity.
  enum Role: Int, Sendable, Hashable {
    case begin, inside, end, single
  }

  /// Whether an entity's end shows.
  var marksEnds: Bool { self == .bioes || self == .bmes }

  /// The letters of the tags, by `Role.rawValue`.
  var letters: [Character] {
    switch self {
    case .bio, .iob1: ["B", "I"]
    case .bioes: ["B", "I", "E", "S"]
    case .bmes: ["B", "M", "E", "S"]
    }
  }

  func role(of letter: Character) -> Role? {
    if let index = letters.firstIndex(of: letter) { return Role(rawValue: index) }
    guard self == .bioes else { return nil }
    return letter == "L" ? .end : letter == "U" ? .single : nil
  }
}

/// Settings of a token classification task beside its labels; the keys stand in the recipe itself.
public struct EntitySettings: Sendable, Hashable {
  /// The scheme of the model's tags; the recipe's `scheme`.
  public var scheme: TaggingScheme
  /// The scheme of the files where it differs; the recipe's `input_scheme`.
  public var inputScheme: TaggingScheme?
  /// Whether every piece of a word carries a tag, not only the first; the recipe's `label_all_tokens`, as in `run_ner`.
  public var labelAllTokens: Bool
  /// Whether each character is followed by a digit that is no part of it, as in Weibo's files; `strip_segment_digits`.
  public var stripSegmentDigits: Bool

  /// The usual settings: BIO throughout, tags on first pieces.
  public init(
    scheme: TaggingScheme = .bio, inputScheme: TaggingScheme? = nil, labelAllTokens: Bool = false,
    stripSegmentDigits: Bool = false
  ) {
    self.scheme = scheme
    self.inputScheme = inputScheme
    self.labelAllTokens = labelAllTokens
    self.stripSegmentDigits = stripSegmentDigits
  }
}
