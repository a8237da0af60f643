/// The tags of a scheme over some types of entities, as classes of a model: `O` first, then type by type.
///
/// With BIO and the types PER and LOC: O, B-PER, I-PER, B-LOC, I-LOC.
public struct TagSet: Sendable, Hashable {
  /// How tags mark entities.
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

  /// What was not as the scheme has it: the word, and what was made of it.
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

  /// Why a tag cannot be read.
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
