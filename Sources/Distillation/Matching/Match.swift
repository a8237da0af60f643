import Encoders
import ModelFormats
import Tensors

/// Match that fits two models: the taps of both sides, the loss between them, its weight and projection.
public struct Match: Sendable {
  /// Values of one model that a match compares.
  public struct Side: Sendable, Equatable {
    /// Layers as places in the list of hidden states (0: the embeddings) or of blocks; empty for a named module.
    public let positions: [Int]
    /// Names of the values, in the order in which the loss takes them.
    public let taps: [String]
    /// Names of the attention maps that are compared beside them.
    public let scores: [String]
    /// Layers or module in words, such as `layer 8`.
    public let name: String
    /// Shape for T tokens or B sequences in words, such as `[T, 768]`.
    public let shape: String

    init(positions: [Int] = [], taps: [String], scores: [String] = [], name: String, shape: String) {
      (self.positions, self.taps, self.scores) = (positions, taps, scores)
      (self.name, self.shape) = (name, shape)
    }

    /// Names of everything that is compared.
    var names: [String] { taps + scores }
  }

  /// Comparison of the two sides.
  enum Comparison: Sendable {
    /// A loss between layers.
    case layers(LayerLoss)
    /// A loss of the caller's own between two values.
    case own(CustomMatch.Loss.Function)
  }

  /// Name of the loss in logs, such as `unweighted_hidden_hidden_mse_1_4`.
  public let logName: String
  /// Name of the loss by itself.
  public let lossName: String
  /// Factor of the loss in the total.
  public let weight: Double
  /// The teacher's values.
  public let teacher: Side
  /// The student's values.
  public let student: Side
  /// Projection with both sizes; nil where there is none.
  public let projection: ProjectionConfig?
  /// Number of heads whose relations are compared; nil for losses without relations.
  public let relationHeads: Int?
  /// Factors of the loss's relations; nil takes 1 for each.
  let relationWeights: [Double]?
  /// Rows of the values.
  let rows: Intermediate.Rows
  let comparison: Comparison

  /// Positions of the teacher's layers.
  public var teacherPositions: [Int] { teacher.positions }
  /// Positions of the student's layers.
  public var studentPositions: [Int] { student.positions }
  /// Whether attention scores are compared beside hidden states.
  public var comparesAttention: Bool { !teacher.scores.isEmpty }

  /// Loss between layers; nil for one of the caller's own.
  var layerLoss: LayerLoss? {
    switch comparison {
    case .layers(let loss): loss
    case .own: nil
    }
  }

  /// Whether the layers of the match are those of a model, which a cache can keep; not a named module's.
  var isOfLayers: Bool { !teacher.positions.isEmpty }

  /// Whether all layers of both sides take part.
  var takesAllLayers: Bool { layerLoss?.layers == .all }

  /// Number of projections that the match needs: one, or one for each layer of the student.
  var projectionCount: Int { projection == nil ? 0 : takesAllLayers ? student.taps.count : 1 }

  /// Fresh projections for the match, as many as it needs.
  ///
  /// - Parameters:
  ///   - name: The prefix of the parameters' names; those of several projections have a number behind it.
  ///   - seed: Decides, with `stream`, the weights.
  ///   - stream: A number no other match of the run has.
  func projections(name: String, seed: UInt64, stream: UInt64) -> [Projection] {
    guard let projection else { return [] }
    return (0..<projectionCount).compactMap { index in
      Projection(
        projection, name: takesAllLayers ? "\(name).\(index)" : name, seed: seed,
        stream: stream + UInt64(index) << 32)
    }
  }
}

/// Number of heads into which relations split the vectors of two models, and what is wrong with it.
struct RelationHeads {
  /// The heads; nil for losses without relations, and meaningless when there are faults.
  let count: Int?
  private(set) var faults: [Fault] = []

  /// - Parameters:
  ///   - match: What is compared.
  ///   - field: The match in faults.
  ///   - layers: The layers that are compared, counted from 0.
  init(
    _ match: IntermediateMatch, field: String, teacher: ModelDescription, student: ModelDescription,
    layers: (teacher: Int, student: Int)
  ) {
    let widths = (
      teacher: teacher.attentionWidth(inLayer: layers.teacher),
      student: student.attentionWidth(inLayer: layers.student)
    )
    let loss = match.loss.loss
    let standard = Self.standard(teacher: widths.teacher, student: widths.student)
    count =
      loss.relations.isEmpty
      ? nil : loss.splitsHeads ? match.relationHeads ?? standard : teacher.heads(inLayer: layers.teacher)
    if loss.splitsHeads, let heads = match.relationHeads {
      let divides = heads > 0 && widths.teacher % heads == 0 && widths.student % heads == 0
      if !divides {
        fault(
          "\(field).relation_heads",
          "found \(heads), which must divide the hidden sizes \(widths.teacher) of the teacher and "
            + "\(widths.student) of the student; use \(standard), or leave it out")
      }
    } else if match.relationHeads != nil {
      fault("\(field).relation_heads", "is for minilmv2, not for \(match.loss.rawValue); remove it")
    }
    if let weights = match.relationWeights {
      check(weights, of: match.loss, field: "\(field).relation_weights")
    }
  }

  /// The heads that Wang and others (2021) use, as far as two widths allow.
  ///
  /// They give a head 16 of the teacher's features, so 48 heads for BERT-base and 64 for BERT-large; where the widths do
  /// not divide by so many, it is the next smaller number by which both do.
  static func standard(teacher: Int, student: Int) -> Int {
    stride(from: max(1, teacher / 16), through: 1, by: -1).first {
      teacher % $0 == 0 && student % $0 == 0
    } ?? 1
  }

  private mutating func check(_ weights: [Double], of loss: MatchLossType, field: String) {
    let names = loss.relations
    if names.isEmpty {
      fault(field, "is for minilm and minilmv2, not for \(loss.rawValue); remove it")
    } else if weights.count != names.count || !weights.allSatisfy({ $0 >= 0 && $0.isFinite }) {
      fault(
        field,
        "found \(weights), expected \(names.count) numbers of at least 0: the weights of "
          + names.joined(separator: ", "))
    } else if let problem = weights.lazy.compactMap({ NumberLimits.weightFault($0) }).first {
      fault(field, problem)
    }
  }

  private mutating func fault(_ field: String, _ message: String) {
    faults.append(Fault(field, message))
  }
}
