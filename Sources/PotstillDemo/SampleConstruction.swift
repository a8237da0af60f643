public import TaskData
public import Tasks

/// How a clause says what it thinks of a thing.
enum ClauseForm: Int, CaseIterable, Sendable {
  /// "The soup is tasty."
  case plain
  /// "The soup is very tasty."
  case intensified
  /// "The soup is not tasty."
  case negated
  /// "The soup is anything but tasty.": a negation without the word not.
  case distanced
  /// "I loved the soup."
  case verb
  /// "I did not love the soup."
  case negatedVerb

  /// Whether the clause thinks the opposite of its sentiment word.
  var flips: Bool { self == .negated || self == .distanced || self == .negatedVerb }

  var usesVerb: Bool { self == .verb || self == .negatedVerb }
}

/// How clauses are put together, and with that which of them decides.
enum ReviewStructure: Int, CaseIterable, Sendable {
  /// One clause.
  case single
  /// Two clauses that agree.
  case both
  /// "A, but B.": the later clause decides.
  case contrast
  /// "Although A, B.": the later clause decides.
  case concessionFirst
  /// "B, although A.": the earlier clause decides.
  case concessionLast
  /// "At first A, in the end B.": the later clause decides.
  case change
  /// "Anna told me that A, but B.": the later clause decides, hearsay does not count.
  case hearsay
  /// "Anna says that A, and I agree.", "..., but she is wrong.": the verdict on the one clause decides.
  case verdict

  /// How often a structure is drawn, relative to the others.
  var weight: Int {
    switch self {
    case .single: 45
    case .both: 15
    case .contrast: 12
    case .concessionFirst: 7
    case .concessionLast: 6
    case .change: 6
    case .hearsay: 5
    case .verdict: 4
    }
  }
}
