import Encoders

/// A rule that pairs the layers of a student with layers of a deeper teacher.
public enum LayerMap: String, Sendable, Codable, CaseIterable {
  /// Evenly spread, last on last: student layer s of S takes teacher layer s · T / S (rounded half up), so 12 → 4 pairs
  /// 3, 6, 9, 12. The rule of TextBrewer's presets and TinyBERT.
  case uniform
  /// The layers that the student was copied from, each with its copy; `T<n>`'s where that is not known.
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
  ///   - copied: The teacher's blocks that the student's were copied from, counted from 1, if that is known.
  public func pairs(
    teacher: Int, student: Int, embeddings: Bool = true, copied: [Int]? = nil
  ) -> [(teacher: Int, student: Int)] {
    guard student > 0 else { return embeddings ? [(0, 0)] : [] }
    let layers =
      LayerSelection(rawValue: rawValue)?.layers(student, of: teacher)
      ?? copied?.map { $0 - 1 } ?? StudentShape.evenlySpaced(student, of: teacher)
    let blocks = layers.enumerated().map { (teacher: $1 + 1, student: $0 + 1) }
    return (embeddings ? [(teacher: 0, student: 0)] : []) + blocks
  }
}
