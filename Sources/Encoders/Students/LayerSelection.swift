/// A rule that names some of a teacher's layers for a shallower student.
public enum LayerSelection: String, Sendable, Codable, CaseIterable {
  /// Every so many, the last one included: 3 of 12 are the 4th, 8th and 12th (TinyBERT's and Patient KD's rule).
  case uniform
  /// The last layers in order.
  case last
  /// The first layers in order.
  case first

  /// `count` layers of `total`, counted from 0; for `uniform` halves are rounded up.
  public func layers(_ count: Int, of total: Int) -> [Int] {
    (0..<count).map { index in
      switch self {
      case .uniform: (2 * (index + 1) * total + count) / (2 * count) - 1
      case .last: total - count + index
      case .first: index
      }
    }
  }
}
