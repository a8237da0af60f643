/// A loss between one layer (or two) of the teacher and of the student; an entry of TextBrewer's `intermediate_matches`.
public struct IntermediateMatch: Sendable, Equatable {
  /// The teacher's layer, or two for `fsp`, `gram`, `mmd` and `nst`; negative numbers count from the end.
  public var layerT: [Int]
  /// The student's layer or layers, as many as the teacher's.
  public var layerS: [Int]
  /// The loss, which also decides the feature.
  public var loss: MatchLossType
  /// The factor of the loss in the total, at least 0.
  public var weight: Double
  /// How the student's features are brought to the teacher's size, if they are.
  public var projection: ProjectionConfig?

  /// A match of one layer with one layer; the losses of two layers take each twice.
  ///
  /// - Parameters:
  ///   - layerT: The teacher's layer: hidden states count from 0, the embeddings; attention from 1, the first block.
  ///   - layerS: The student's layer.
  ///   - loss: Which loss.
  ///   - weight: The factor of the loss in the total.
  ///   - projection: How the student's features are brought to the teacher's size.
  public init(
    layerT: Int, layerS: Int, loss: MatchLossType = .hiddenMSE, weight: Double = 1,
    projection: ProjectionConfig? = nil
  ) {
    let count = loss.takesTwoLayers ? 2 : 1
    self.init(
      layersT: [Int](repeating: layerT, count: count), layersS: [Int](repeating: layerS, count: count),
      loss: loss, weight: weight, projection: projection)
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
    let name = { (layers: [Int]) in layers.map(String.init).joined(separator: "-") }
    return "unweighted_\(feature.rawValue)_\(loss.rawValue)_\(name(layerS))_\(name(layerT))"
  }
}
