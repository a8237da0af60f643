public import ModelFormats
public import Tensors

/// Source of matches: written out, by modules' names, a named preset of TextBrewer's examples, or a layer map.
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

/// A loss between one layer (two, or all) of the teacher and of the student; an entry of TextBrewer's `intermediate_matches`.
public struct IntermediateMatch: Sendable, Equatable {
  /// The teacher's layer, two for `fsp`, `gram`, `mmd`, `nst` and `irg_transformation`, none for `emd`, which takes all;
  /// negative numbers count from the end.
  public var teacherLayers: [Int]
  /// The student's layer or layers, as many as the teacher's.
  public var studentLayers: [Int]
  /// The loss, which also decides the feature.
  public var loss: MatchLossType
  /// The factor of the loss in the total, at least 0.
  public var weight: Double
  /// Projection of the student's features to the teacher's size, if there is one.
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
  ///   - teacherLayer: The teacher's layer: hidden states count from 0, the embeddings; attention from 1, the first block.
  ///   - studentLayer: The student's layer.
  ///   - loss: Which loss.
  ///   - weight: The factor of the loss in the total.
  ///   - projection: How the student's features are brought to the teacher's size.
  ///   - relationHeads: The heads of `minilmv2`.
  ///   - relationWeights: The factors of the relations of `minilm` or `minilmv2`.
  public init(
    teacherLayer: Int, studentLayer: Int, loss: MatchLossType = .hiddenMSE, weight: Double = 1,
    projection: ProjectionConfig? = nil, relationHeads: Int? = nil, relationWeights: [Double]? = nil
  ) {
    let count = loss.takesTwoLayers ? 2 : 1
    self.init(
      teacherLayers: [Int](repeating: teacherLayer, count: count),
      studentLayers: [Int](repeating: studentLayer, count: count),
      loss: loss, weight: weight, projection: projection)
    self.relationHeads = relationHeads
    self.relationWeights = relationWeights
  }

  /// The match of a loss that says itself which layers it compares.
  public init?(_ loss: MatchLossType) {
    guard let layers = loss.standardLayers else { return nil }
    self.init(teacherLayers: layers, studentLayers: layers, loss: loss)
  }

  /// A match of lists of layers, for the losses that take two.
  public init(
    teacherLayers: [Int], studentLayers: [Int], loss: MatchLossType, weight: Double = 1,
    projection: ProjectionConfig? = nil
  ) {
    self.teacherLayers = teacherLayers
    self.studentLayers = studentLayers
    self.loss = loss
    self.weight = weight
    self.projection = projection
  }

  /// Feature that is compared.
  public var feature: MatchFeature { loss.feature }

  /// The name TextBrewer logs the loss under, such as `unweighted_hidden_hidden_mse_1_4`: student first.
  public var logName: String {
    if loss.takesAllLayers { return "unweighted_\(feature.rawValue)_\(loss.rawValue)" }
    let name = { (layers: [Int]) in layers.map(String.init).joined(separator: "-") }
    return "unweighted_\(feature.rawValue)_\(loss.rawValue)_\(name(studentLayers))_\(name(teacherLayers))"
  }
}

/// A loss between two values inside the models, each named by its module in `transformers`; TextBrewer's `CustomMatch`.
///
/// `EncoderConfig.intermediates` lists the names: `encoder.layer.3.attention.output`, `encoder.layer.3.attention.self.query`,
/// `pooler`, `classifier` and so on. The values exist only while somebody asks for them.
public struct CustomMatch: Sendable, Equatable {
  /// Comparison of two values.
  public struct Loss: Sendable, Equatable {
    /// Loss of a student's value and a teacher's (a constant), each [rows, width], with the boundaries of the rows
    /// of each sequence [B + 1] and the pass it is part of.
    public typealias Function =
      @Sendable (_ student: Tensor, _ teacher: Tensor, _ starts: [Int32], _ context: Context) throws -> Tensor

    private enum Kind: Sendable {
      case named(MatchLossType)
      case own(Function)
    }

    /// Name in logs.
    public let name: String
    private let kind: Kind

    private init(_ name: String, _ kind: Kind) { (self.name, self.kind) = (name, kind) }

    /// A loss of the caller's own; two of one name count as equal.
    public init(_ name: String, _ function: @escaping Function) { self.init(name, .own(function)) }

    /// A loss of hidden states; those of two layers take each value twice.
    public static func named(_ type: MatchLossType) -> Loss { Loss(type.rawValue, .named(type)) }

    /// Named loss; nil for one of the caller's own.
    var type: MatchLossType? {
      switch kind {
      case .named(let type): type
      case .own: nil
      }
    }

    /// Comparison of two values.
    var comparison: Match.Comparison {
      switch kind {
      case .named(let type): .layers(type.loss)
      case .own(let function): .own(function)
      }
    }

    /// Whether two losses are the same by name.
    public static func == (a: Loss, b: Loss) -> Bool { a.name == b.name && a.type == b.type }
  }

  /// The teacher's module.
  public var teacherModule: String
  /// The student's module.
  public var studentModule: String
  /// Loss between the two.
  public var loss: Loss
  /// The factor of the loss in the total, at least 0.
  public var weight: Double
  /// Projection of the student's value to the teacher's width, if there is one.
  public var projection: ProjectionConfig?

  /// A match of two modules by a named loss or one of the caller's own.
  public init(
    teacherModule: String, studentModule: String, loss: Loss = .named(.hiddenMSE), weight: Double = 1,
    projection: ProjectionConfig? = nil
  ) {
    self.teacherModule = teacherModule
    self.studentModule = studentModule
    self.loss = loss
    self.weight = weight
    self.projection = projection
  }

  /// The name its loss is logged under, such as `unweighted_custom_cos_encoder.layer.1_encoder.layer.3`: student first.
  public var logName: String { "unweighted_custom_\(loss.name)_\(studentModule)_\(teacherModule)" }
}

extension MatchSource {
  var json: JSONValue {
    switch self {
    case .preset(let name): return .string(name)
    case .match(let match): return match.json
    case .custom(let match): return match.json
    case .map(let map, let loss, let weight, let projection):
      var object = JSONObject()
      object["map"] = .string(map.rawValue)
      object["loss"] = .string(loss.rawValue)
      object["weight"] = .number(weight)
      object["proj"] = projection?.json
      return .object(object)
    }
  }
}

extension IntermediateMatch {
  /// The match under TextBrewer's keys.
  public var json: JSONValue {
    let layers = { (list: [Int]) -> JSONValue in
      list.count == 1 ? .integer(list[0]) : .array(list.map { .integer($0) })
    }
    var object = JSONObject()
    if !loss.takesAllLayers {
      object["layer_T"] = layers(teacherLayers)
      object["layer_S"] = layers(studentLayers)
    }
    object["feature"] = .string(feature.rawValue)
    object["loss"] = .string(loss.rawValue)
    object["weight"] = .number(weight)
    object["proj"] = projection?.json
    object["attention"] = attention.map { .bool($0) }
    object["relation_heads"] = relationHeads.map { .integer($0) }
    object["relation_weights"] = relationWeights.map { .array($0.map { .number($0) }) }
    return .object(object)
  }
}

extension CustomMatch {
  var json: JSONValue {
    var object = JSONObject()
    object["module_T"] = .string(teacherModule)
    object["module_S"] = .string(studentModule)
    object["loss"] = .string(loss.name)
    object["weight"] = .number(weight)
    object["proj"] = projection?.json
    return .object(object)
  }
}
