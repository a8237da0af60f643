/// A loss between one layer (two, or all) of the teacher and of the student; an entry of TextBrewer's `intermediate_matches`.
public struct IntermediateMatch: Sendable, Equatable {
  /// The teacher's layer, two for `fsp`, `gram`, `mmd`, `nst` and `irg_transformation`, none for `emd`, which takes all;
  /// negative numbers count from the end.
  public var layerT: [Int]
  /// The student's layer or layers, as many as the teacher's.
  public var layerS: [Int]
  /// The loss, which also decides the feature.
  public var loss: MatchLossType
  /// The factor of the loss in the total, at least 0.
  public var weight: Double
  /// How the student's features are brought to the teacher's size, if they are.
  public var projection: ProjectionConfig?
  /// The heads that `minilmv2` splits queries, keys and values into; nil takes `RelationHeads.standard`.
  public var relationHeads: Int?
  /// Whether `emd` compares attention scores too; nil does where both sides have as many heads.
  public var attention: Bool?
  /// The factor of each of `loss.relations`, at least 0; nil takes 1 for each.
  public var relationWeights: [Double]?

  /// A match of one layer with one layer; the losses of two layers take each twice.
  ///
  /// - Parameters:
  ///   - layerT: The teacher's layer: hidden states count from 0, the embeddings; attention from 1, the first block.
  ///   - layerS: The student's layer.
  ///   - loss: Which loss.
  ///   - weight: The factor of the loss in the total.
  ///   - projection: How the student's features are brought to the teacher's size.
  ///   - relationHeads: The heads of `minilmv2`.
  ///   - relationWeights: The factors of the relations of `minilm` or `minilmv2`.
  public init(
    layerT: Int, layerS: Int, loss: MatchLossType = .hiddenMSE, weight: Double = 1,
    projection: ProjectionConfig? = nil, relationHeads: Int? = nil, relationWeights: [Double]? = nil
  ) {
    let count = loss.takesTwoLayers ? 2 : 1
    self.init(
      layersT: [Int](repeating: layerT, count: count), layersS: [Int](repeating: layerS, count: count),
      loss: loss, weight: weight, projection: projection)
    self.relationHeads = relationHeads
    self.relationWeights = relationWeights
  }

  /// The match of a loss that says itself which layers it compares.
  public init?(_ loss: MatchLossType) {
    guard let layers = loss.standardLayers else { return nil }
    self.init(layersT: layers, layersS: layers, loss: loss)
  }

  /// A match of lists of layers, for the losses that take two.
  public init(
    layersT: [Int], layersS: [Int], loss: MatchLossType, weight: Double = 1,
    projection: ProjectionConfig? = nil
  ) {
    self.layerT = layersT
    self.layerS = layersS
    self.loss = loss
    self.weight = weight
    self.projection = projection
  }

  /// What is compared.
  public var feature: MatchFeature { loss.feature }

  /// The name TextBrewer logs the loss under, such as `unweighted_hidden_hidden_mse_1_4`: student first.
  public var logName: String {
    if loss.takesAllLayers { return "unweighted_\(feature.rawValue)_\(loss.rawValue)" }
    let name = { (layers: [Int]) in layers.map(String.init).joined(separator: "-") }
    return "unweighted_\(feature.rawValue)_\(loss.rawValue)_\(name(layerS))_\(name(layerT))"
  }
}
