import Encoders

/// A rule that pairs the layers of a student with layers of a deeper teacher.
public enum LayerMap: String, Sendable, Codable, CaseIterable {
  /// Evenly spread, last on last: student layer s of S takes teacher layer s · T / S (rounded half up), so 12 → 4 pairs
  /// 3, 6, 9, 12. The rule of TextBrewer's presets and TinyBERT.
  case uniform
  /// The layers that a student `T<n>` is copied from, each with its copy.
  case copied
  /// The teacher's last layers in order.
  case last
  /// The teacher's first layers in order.
  case first

  /// The pairs of layers, numbered as hidden states: 0 is the embeddings, k the output of block k.
  ///
  /// - Parameters:
  ///   - teacher: The number of the teacher's blocks.
  ///   - student: The number of the student's blocks, at most the teacher's except for `uniform`.
  ///   - embeddings: Whether the embeddings are paired too.
  public func pairs(
    teacher: Int, student: Int, embeddings: Bool = true
  ) -> [(teacher: Int, student: Int)] {
    guard student > 0 else { return embeddings ? [(0, 0)] : [] }
    let copied = self == .copied ? StudentShape.evenlySpaced(student, of: teacher) : []
    let blocks = (1...student).map { s in
      switch self {
      case .uniform: (teacher: (2 * s * teacher + student) / (2 * student), student: s)
      case .copied: (teacher: copied[s - 1] + 1, student: s)
      case .last: (teacher: teacher - student + s, student: s)
      case .first: (teacher: s, student: s)
      }
    }
    return (embeddings ? [(teacher: 0, student: 0)] : []) + blocks
  }
}
