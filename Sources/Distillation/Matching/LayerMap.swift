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

/// The named match sets of TextBrewer's examples, for teachers of 12 layers and 768 hidden features.
///
/// `L3`, `L4`, `L6` and `small` are the student's shape (3, 4, 6 and 12 layers), `n`, `t` and `l` its widths 384, 312 and
/// 1024; `es` is `small` without the embeddings. `s` in `smmd` and `sgram` says that each layer is compared with itself.
public enum MatchPresets {
  /// The names, sorted.
  public static let names = table.keys.sorted()

  /// The matches of a name, nil for an unknown one.
  public static func matches(named name: String) -> [IntermediateMatch]? { table[name] }

  private static let three = [0: 0, 4: 1, 8: 2, 12: 3]
  private static let four = [0: 0, 3: 1, 6: 2, 9: 3, 12: 4]
  private static let six = [0: 0, 2: 1, 4: 2, 6: 3, 8: 4, 10: 5, 12: 6]
  private static let small = [0: 0, 2: 2, 4: 4, 6: 6, 8: 8, 10: 10, 12: 12]

  /// The pairs of a map but for the embeddings.
  private static func blocks(_ map: [Int: Int]) -> [Int: Int] { map.filter { $0.key > 0 } }

  private static let table: [String: [IntermediateMatch]] = {
    var table = [
      "L3_hidden_mse": matches(three, .hiddenMSE), "L3n_hidden_mse": matches(three, .hiddenMSE, from: 384),
      "L3l_hidden_mse": matches(three, .hiddenMSE, from: 1024),
      "L3_hidden_smmd": matches(three, .mmd), "L4_hidden_smmd": matches(four, .mmd),
      "L4t_hidden_mse": matches(four, .hiddenMSE, from: 312),
      "L4t_hidden_sgram": matches(four, .gram, from: 312), "L6_hidden_mse": matches(six, .hiddenMSE),
      "L6_hidden_smmd": matches(six, .mmd), "small_hidden_mse": matches(small, .hiddenMSE, from: 256),
      "small_hidden_smmd": matches(small, .mmd),
      "es_hidden_mse": matches(blocks(small), .hiddenMSE, from: 256),
      "es_hidden_smmd": matches(blocks(small), .mmd),
    ]
    for (prefix, map) in [("L3", three), ("L4", four)] {
      for loss in MatchLossType.allCases where loss.feature == .attention {
        table["\(prefix)_\(loss.rawValue)"] = matches(blocks(map), loss)
      }
    }
    return table
  }()

  private static func matches(
    _ layers: [Int: Int], _ loss: MatchLossType, from studentSize: Int? = nil
  ) -> [IntermediateMatch] {
    layers.sorted { $0.key < $1.key }.map { teacher, student in
      IntermediateMatch(
        teacherLayer: teacher, studentLayer: student, loss: loss,
        projection: studentSize.map { ProjectionConfig(.linear, studentSize: $0, teacherSize: 768) })
    }
  }
}
