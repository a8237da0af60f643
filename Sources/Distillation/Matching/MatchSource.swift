import ModelFormats

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
      object["layer_T"] = layers(layerT)
      object["layer_S"] = layers(layerS)
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
    object["module_T"] = .string(moduleT)
    object["module_S"] = .string(moduleS)
    object["loss"] = .string(loss.name)
    object["weight"] = .number(weight)
    object["proj"] = projection?.json
    return .object(object)
  }
}

extension ProjectionConfig {
  var json: JSONValue {
    var parts: [JSONValue] = [.string(kind.rawValue)]
    if let studentSize, let teacherSize { parts += [.integer(studentSize), .integer(teacherSize)] }
    var options = JSONObject()
    options["lr"] = learningRate.map { .number($0) }
    options["weight_decay"] = weightDecay.map { .number($0) }
    return .array(options.isEmpty ? parts : parts + [.object(options)])
  }
}
