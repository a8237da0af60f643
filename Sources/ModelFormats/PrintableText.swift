/// A text from a file as a message may hold it: control characters and marks that turn the direction of writing as `\u{…}`,
/// and cut in the middle where it is long.
///
/// Names in a hostile file could otherwise steer the terminal that shows them.
package func printable(_ text: String, atMost limit: Int = 200) -> String {
  // Enough for both ends of what is shown.
  let isLong = text.utf8.count > limit
  let text = isLong && text.count > limit ? "\(text.prefix(limit * 2 / 3)) … \(text.suffix(limit / 4))" : text
  guard text.unicodeScalars.contains(where: steersTerminals) else { return text }
  return text.unicodeScalars.reduce(into: "") { result, scalar in
    if steersTerminals(scalar) {
      result += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
}

/// A whole message: as `printable`, line by line.
package func printableMessage(_ text: String, atMost limit: Int = 4000) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false)
    .map { printable(String($0), atMost: limit) }.joined(separator: "\n")
}

private func steersTerminals(_ scalar: UnicodeScalar) -> Bool {
  switch scalar.value {
  case 0x09: false
  case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
  default: false
  }
}

/// The known name that a misspelt one probably meant, nil when none is near: up to a third of its characters (one, in short
/// names) inserted, deleted or replaced, upper and lower case alike.
package func suggestion(for name: String, among known: [String]) -> String? {
  let near = known.map { (name: $0, distance: editDistance(name.lowercased(), $0.lowercased())) }
    .min { $0.distance < $1.distance }
  guard let near, near.distance <= max(1, name.count / 3) else { return nil }
  return near.name
}

/// Levenshtein's distance in characters.
private func editDistance(_ a: String, _ b: String) -> Int {
  let b = Array(b)
  var row = Array(0...b.count)
  for (i, character) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for j in b.indices {
      let substitution = diagonal + (character == b[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substitution, diagonal + 1, row[j] + 1)
    }
  }
  return row[b.count]
}
