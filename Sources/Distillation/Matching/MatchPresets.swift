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
        layerT: teacher, layerS: student, loss: loss,
        projection: studentSize.map { ProjectionConfig(.linear, studentSize: $0, teacherSize: 768) })
    }
  }
}
