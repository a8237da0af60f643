/// Search for a text inside another; both as Unicode scalars, which is what offsets count.
enum TextSearch {
  /// Range of a text that begins at a position, white space apart: there may be more, less or other white space
  /// inside and behind it than where it stands, in front of it where it begins with some; nil when something else
  /// stands there.
  ///
  /// The range begins and ends with what is no white space.
  static func rangeApartFromSpace(
    of wanted: [Unicode.Scalar], in text: [Unicode.Scalar], at position: Int
  ) -> Range<Int>? {
    guard text.indices.contains(position) else { return nil }
    var start: Int?
    var end = position
    let beginsWithSpace = wanted.first?.properties.isWhitespace == true
    for scalar in wanted where !scalar.properties.isWhitespace {
      while start != nil || beginsWithSpace, end < text.count, text[end].properties.isWhitespace { end += 1 }
      guard end < text.count, text[end] == scalar else { return nil }
      start = start ?? end
      end += 1
    }
    return start.map { $0..<end }
  }

  /// The nearest such place to a position, of two equally near ones the earlier; nil when there is none.
  static func rangeApartFromSpace(
    of wanted: [Unicode.Scalar], in text: [Unicode.Scalar], near position: Int
  ) -> Range<Int>? {
    guard let first = wanted.first(where: { !$0.properties.isWhitespace }) else { return nil }
    let starts = text.indices.filter { text[$0] == first }
    let nearest = starts.lazy.sorted { (abs($0 - position), $0) < (abs($1 - position), $1) }
    for start in nearest {
      if let range = rangeApartFromSpace(of: wanted, in: text, at: start) { return range }
    }
    return nil
  }

  /// The occurrence that is nearest to a position, of two equally near ones the earlier; nil when there is none.
  static func range(
    of wanted: [Unicode.Scalar], in text: [Unicode.Scalar], near position: Int
  ) -> Range<Int>? {
    let last = text.count - wanted.count
    guard !wanted.isEmpty, last >= 0 else { return nil }
    let middle = min(max(position, 0), last)
    for distance in 0...max(middle, last - middle) {
      for start in [middle - distance, middle + distance]
      where start >= 0 && start <= last && text[start] == wanted[0] {
        let range = start..<start + wanted.count
        if text[range].elementsEqual(wanted) { return range }
      }
    }
    return nil
  }
}
