/// Finds what a misspelt name was probably meant to be.
enum Spelling {
  /// The known name nearest to `name`, nil when none is near.
  static func nearest(to name: String, among known: [String]) -> String? {
    let ranked = known.map {
      (name: $0, distance: distance(Array($0.lowercased()), Array(name.lowercased())))
    }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, name.count / 3) ? best.name : nil
  }

  /// The Levenshtein distance.
  private static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let cost = diagonal + (a[i] == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(cost, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[b.count]
  }
}
