/// A way to write entities as one tag a word; all of them have `O` outside and a hyphen before the type.
public enum TaggingScheme: String, Codable, Sendable, CaseIterable {
  /// `B-` begins an entity, `I-` goes on with it; also known as IOB2.
  case bio = "BIO"
  /// As BIO, but an entity begins with `B-` only directly behind another of its type, else with `I-`: CoNLL-2003.
  case iob1 = "IOB1"
  /// As BIO, and `E-` ends an entity, `S-` is one of a single word; the `L-` and `U-` of BILOU are read too.
  case bioes = "BIOES"
  /// As BIOES with `M-` for `I-`, usual for Chinese.
  case bmes = "BMES"

  /// What a word is to an entity.
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
