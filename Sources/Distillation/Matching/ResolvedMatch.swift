/// A match that fits two models: layers as positions in the lists of features, sizes known.
public struct ResolvedMatch: Sendable, Equatable {
  /// The match as it was configured; its numbers name the loss in logs.
  public let match: IntermediateMatch
  /// Positions in the teacher's list, from 0.
  public let teacherPositions: [Int]
  /// Positions in the student's list.
  public let studentPositions: [Int]
  /// The projection with both sizes, if there is one.
  public let projection: ProjectionConfig?
  /// The heads whose relations `minilm` and `minilmv2` compare; nil for other losses.
  public let relationHeads: Int?
  /// Whether `emd` compares attention scores too.
  public let comparesAttention: Bool

  /// The number of projections that the match needs: one, or one for each layer of the student.
  var projectionCount: Int {
    projection == nil ? 0 : match.loss.takesAllLayers ? studentPositions.count : 1
  }

  /// The blocks (0: embeddings) that are matched, as a table shows them.
  func layerNames(_ positions: [Int]) -> String {
    if match.loss.takesAllLayers { return "all layers" }
    let unique = positions.count == 2 && positions[0] == positions[1] ? [positions[0]] : positions
    return unique.map { position in
      switch (match.feature, position) {
      case (.hidden, 0): "embeddings"
      case (.hidden, _): "layer \(position)"
      case (.attention, _), (.selfAttention, _): "layer \(position + 1)"
      }
    }.joined(separator: ", ")
  }
}
