/// Behaviour of a split towards what its pattern matches, under the names of `tokenizers`.
enum SplitBehavior: String, Sendable, CaseIterable {
  /// Matches are gone.
  case removed = "Removed"
  /// Each match is a piece.
  case isolated = "Isolated"
  /// A match ends the piece before it.
  case mergedWithPrevious = "MergedWithPrevious"
  /// A match begins the piece behind it.
  case mergedWithNext = "MergedWithNext"
  /// Matches without anything between them are one piece.
  case contiguous = "Contiguous"

  /// Reads the `behavior` of a component.
  init(_ reader: ComponentReader) throws(TokenizerError) {
    guard let behavior = Self(rawValue: try reader.string("behavior")) else {
      throw reader.fault(
        "behavior", expected: "one of " + Self.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = behavior
  }

  /// Appends the pieces of a stretch to a list.
  ///
  /// - Parameters:
  ///   - matches: The matches of the pattern in order, none empty.
  ///   - inverts: Whether what lies between matches counts as the matches.
  func pieces(
    of stretch: Range<Int>, matches: [Range<Int>], inverts: Bool = false, into pieces: inout [Range<Int>]
  ) {
    var parts: [(range: Range<Int>, isMatch: Bool)] = []
    var done = stretch.lowerBound
    for match in matches {
      if done < match.lowerBound { parts.append((done..<match.lowerBound, inverts)) }
      parts.append((match, !inverts))
      done = match.upperBound
    }
    if done < stretch.upperBound { parts.append((done..<stretch.upperBound, inverts)) }
    switch self {
    case .isolated: pieces += parts.map(\.range)
    case .removed: pieces += parts.lazy.filter { !$0.isMatch }.map(\.range)
    case .contiguous: Self.merge(parts, into: &pieces) { $0 == $1 }
    case .mergedWithPrevious: Self.merge(parts, into: &pieces) { !$0 && $1 }
    case .mergedWithNext:
      var backwards: [Range<Int>] = []
      Self.merge(parts.reversed(), into: &backwards) { !$0 && $1 }
      pieces += backwards.reversed()
    }
  }

  /// Appends parts, those merged with the one before for which `joins` says so of the one before and itself: matches or not.
  private static func merge(
    _ parts: [(range: Range<Int>, isMatch: Bool)], into pieces: inout [Range<Int>],
    joins: (Bool, Bool) -> Bool
  ) {
    let first = pieces.count
    var previous = false
    for (range, isMatch) in parts {
      if joins(previous, isMatch), pieces.count > first {
        let last = pieces[pieces.count - 1]
        pieces[pieces.count - 1] =
          min(last.lowerBound, range.lowerBound)..<max(last.upperBound, range.upperBound)
      } else {
        pieces.append(range)
      }
      previous = isMatch
    }
  }
}

extension ChainText {
  /// Splits each piece at the scalars of a kind.
  mutating func split(_ behavior: SplitBehavior, at isMatch: (UInt32) -> Bool) {
    split { text, piece, pieces in
      var matches: [Range<Int>] = []
      var position = piece.lowerBound
      while position < piece.upperBound {
        let (scalar, length) = text.scalar(at: position)
        if isMatch(scalar) { matches.append(position..<position + length) }
        position += length
      }
      behavior.pieces(of: piece, matches: matches, into: &pieces)
    }
  }
}
