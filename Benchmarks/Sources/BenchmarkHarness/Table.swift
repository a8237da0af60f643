/// Rows of text in aligned columns, printed as they come.
public struct Table {
  private let widths: [Int]

  /// Prints the header; a column is as wide as its title and two spaces, the first one wider.
  public init(_ titles: [String], first: Int = 28) {
    widths = titles.enumerated().map { $0.offset == 0 ? first : max(9, $0.element.count + 2) }
    row(titles)
  }

  /// Prints one row: the first column to the left, the others to the right.
  public func row(_ cells: [String]) {
    let padded = zip(cells, widths).enumerated().map { index, pair in
      let space = String(repeating: " ", count: max(0, pair.1 - pair.0.count))
      return index == 0 ? pair.0 + space : space + pair.0
    }
    print(padded.joined())
  }
}

extension Double {
  /// The number with some digits after the point.
  public func fixed(_ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let rounded = (magnitude * scale).rounded()
    guard rounded < 1e15 else { return "\(self)" }
    let whole = Int(rounded) / Int(scale)
    let rest = String(Int(rounded) % Int(scale))
    let sign = self < 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(whole)" }
    return "\(sign)\(whole)." + String(repeating: "0", count: digits - rest.count) + rest
  }
}
