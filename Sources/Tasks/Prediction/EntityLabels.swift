/// Labels of a token classifier, read as `transformers`' pipeline reads them with `aggregation_strategy="first"`.
///
/// `O` is outside of all entities, `B-PER` begins an entity PER and `I-PER` goes on with it. Any other label is the name of
/// an entity as it stands (a part of speech, `LABEL_0`, `PER-B`), whose neighbours of the same name belong to it. Beyond
/// `transformers`, `E-`, `S-`, `M-`, `L-` and `U-` are prefixes where the type has a `B-` or `I-` too, and where the
/// outside is `o`, prefixes are small letters.
package struct EntityLabels {
  private enum Role { case begin, inside, end, single }
  private typealias Mark = (role: Role, type: String)

  /// nil for the outside.
  private let marks: [Mark?]

  /// The labels of a model in the order of its outputs.
  package init(_ labels: [String]) {
    let isSmall = labels.contains("o") && !labels.contains("O")
    let known = Set(labels)
    marks = labels.map { Self.mark($0, isSmall: isSmall, known: known) }
  }

  private static func mark(_ label: String, isSmall: Bool, known: Set<String>) -> Mark? {
    if label == (isSmall ? "o" : "O") { return nil }
    let scalars = label.unicodeScalars
    guard let letter = scalars.first, scalars.dropFirst().first == "-" else { return (.inside, label) }
    let type = String(scalars.dropFirst(2))
    func has(_ prefix: String) -> Bool { known.contains("\(isSmall ? prefix.lowercased() : prefix)-\(type)") }
    let isOfScheme = has("B") || has("I")
    switch isSmall ? String(letter).uppercased() : String(letter) {
    case "B": return (.begin, type)
    case "I": return (.inside, type)
    case "M" where isOfScheme: return (.inside, type)
    case "E" where isOfScheme, "L" where isOfScheme: return (.end, type)
    case "S" where isOfScheme, "U" where isOfScheme: return (.single, type)
    default: return (.inside, label)
    }
  }

  /// The entities of a run of words.
  ///
  /// - Parameter outputs: The output that each word has, nil for a word that has none and so is outside.
  package func groups(_ outputs: [Int?]) -> [(type: String, words: Range<Int>)] {
    var groups: [(type: String, words: Range<Int>)] = []
    var open: String?
    for (word, output) in outputs.enumerated() {
      guard let output, let mark = marks[output] else {
        open = nil
        continue
      }
      if open == mark.type, mark.role == .inside || mark.role == .end, let last = groups.popLast() {
        groups.append((last.type, last.words.lowerBound..<word + 1))
      } else {
        groups.append((mark.type, word..<word + 1))
      }
      open = mark.role == .end || mark.role == .single ? nil : mark.type
    }
    return groups
  }
}
