/// A scheme of entity tags, as `seqeval.scheme` defines them for strict scoring.
public enum TagScheme: String, Sendable, CaseIterable, Codable {
  /// I inside; B only where an entity of the same type touches the one before.
  case iob1 = "IOB1"
  /// B at the beginning, I inside; also called BIO.
  case iob2 = "IOB2"
  /// I inside; E only where an entity of the same type follows at once.
  case ioe1 = "IOE1"
  /// I inside, E at the end.
  case ioe2 = "IOE2"
  /// B, I, E, and S for an entity of one token; also called BIOES.
  case iobes = "IOBES"
  /// B, I, L (last), and U (unit) for an entity of one token.
  case bilou = "BILOU"

  /// The prefixes of the scheme, O included.
  public var prefixes: String {
    switch self {
    case .iob1, .iob2: "I, O, B"
    case .ioe1, .ioe2: "I, O, E"
    case .iobes: "I, O, B, E, S"
    case .bilou: "B, I, L, O, U"
    }
  }

  /// The only scheme whose prefixes a set of tags can have; nil when there is none.
  ///
  /// As `seqeval.scheme.auto_detect`, which tells IOB2, IOE2, IOBES and BILOU apart and needs a B with an I, and so on.
  static func detect(_ prefixes: Prefixes) -> TagScheme? {
    switch prefixes.subtracting(.o) {
    case [.i, .b], [.b]: return .iob2
    case [.i, .e], [.e]: return .ioe2
    case [.b, .e], [.i, .b, .e], [.b, .e, .s], [.i, .b, .e, .s]: return .iobes
    case [.b, .l], [.i, .b, .l], [.b, .l, .u], [.i, .b, .l, .u]: return .bilou
    case [.s] where !prefixes.contains(.o): return .iobes
    case [.u] where !prefixes.contains(.o): return .bilou
    default: return nil
    }
  }
}

extension TagScheme {
  /// A set of prefixes.
  struct Prefixes: OptionSet, Hashable {
    let rawValue: UInt8
    static let i = Prefixes(rawValue: 1)
    static let o = Prefixes(rawValue: 2)
    static let b = Prefixes(rawValue: 4)
    static let e = Prefixes(rawValue: 8)
    static let s = Prefixes(rawValue: 16)
    static let u = Prefixes(rawValue: 32)
    static let l = Prefixes(rawValue: 64)
    static let any: Prefixes = [.i, .o, .b, .e, .s, .u, .l]

    /// The prefix of a letter, nil for another.
    init?(letter: Unicode.Scalar) {
      guard let index = Self.letters.firstIndex(of: letter) else { return nil }
      self.init(rawValue: 1 << index)
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    private static let letters: [Unicode.Scalar] = ["I", "O", "B", "E", "S", "U", "L"]

    /// The letters of the set, for messages.
    var names: String {
      Self.letters.enumerated().filter { rawValue & (1 << $0.offset) != 0 }.map { String($0.element) }
        .joined(separator: ", ")
    }
  }

  /// Condition on the types of two neighbours: equal, different, or of no matter.
  enum TypeCondition { case any, same, different }

  /// Pattern of two neighbouring tags: prefixes, and whether their types are equal.
  struct Pattern {
    let previous: Prefixes
    let current: Prefixes
    let types: TypeCondition

    init(_ previous: Prefixes, _ current: Prefixes, _ types: TypeCondition = .any) {
      self.previous = previous
      self.current = current
      self.types = types
    }
  }

  /// Rules of `seqeval`: the tags that it allows, and where entities start, go on and end.
  struct Rules {
    let allowed: Prefixes
    let start: [Pattern]
    let inside: [Pattern]
    let end: [Pattern]
  }

  /// The rules of the scheme, gaps of `seqeval` 1.2.2 included (IOE1 does not see every entity).
  var rules: Rules {
    switch self {
    case .iob1:
      Rules(
        allowed: [.i, .o, .b],
        start: [Pattern([.o, .b], .i), Pattern(.i, .i, .different), Pattern([.i, .b], .b, .same)],
        inside: [Pattern([.b, .i], .i, .same)],
        end: [
          Pattern([.i, .b], .i, .different), Pattern([.i, .b], .o), Pattern(.i, .b), Pattern(.b, .b, .same),
        ])
    case .iob2:
      Rules(
        allowed: [.i, .o, .b],
        start: [Pattern(.any, .b)],
        inside: [Pattern([.b, .i], .i, .same)],
        end: [Pattern([.i, .b], [.o, .b]), Pattern([.i, .b], .i, .different)])
    case .ioe1:
      Rules(
        allowed: [.i, .o, .e],
        start: [Pattern([.o, .e], .i), Pattern(.i, .i, .different), Pattern(.e, .e, .same)],
        inside: [Pattern(.i, [.i, .e], .same)],
        end: [Pattern(.i, [.i, .e], .different), Pattern(.i, .o), Pattern(.e, [.i, .e], .same)])
    case .ioe2:
      Rules(
        allowed: [.i, .o, .e],
        start: [Pattern([.o, .e], [.i, .e]), Pattern(.i, [.i, .e], .different)],
        inside: [Pattern(.i, [.i, .e], .same)],
        end: [Pattern(.e, .any)])
    case .iobes:
      Rules(
        allowed: [.i, .o, .b, .e, .s],
        start: [Pattern(.any, [.b, .s])],
        inside: [Pattern([.b, .i], [.i, .e], .same)],
        end: [Pattern([.s, .e], .any)])
    case .bilou:
      Rules(
        allowed: [.b, .i, .l, .o, .u],
        start: [Pattern(.any, [.b, .u])],
        inside: [Pattern([.b, .i], [.i, .l], .same)],
        end: [Pattern([.u, .l], .any)])
    }
  }
}
