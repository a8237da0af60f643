/// Where matches come from: written out, by modules' names, a named preset of TextBrewer's examples, or a layer map.
public enum MatchSource: Sendable, Equatable {
  /// One match, written out.
  case match(IntermediateMatch)
  /// One match of values inside the models, by the names of their modules.
  case custom(CustomMatch)
  /// The matches of a name in `MatchPresets`.
  case preset(String)
  /// One match per pair of layers; sizes that differ get a projection, `linear` unless another is given.
  case map(
    LayerMap, loss: MatchLossType = .hiddenMSE, weight: Double = 1, projection: ProjectionConfig? = nil)
}
