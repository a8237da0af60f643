/// Finds where a text stands inside another; both as Unicode scalars, which is what offsets count.
enum TextSearch {
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
