/// The known name that a misspelt one probably meant, if one is near.
package func suggestion(for name: String, among known: [String]) -> String? {
  let near = known.map { ($0, editDistance(name, $0)) }.min { $0.1 < $1.1 }
  guard let near, near.1 <= max(2, name.count / 3) else { return nil }
  return near.0
}

/// Levenshtein's distance in characters.
func editDistance(_ a: String, _ b: String) -> Int {
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
