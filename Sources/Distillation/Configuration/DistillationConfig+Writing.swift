import ModelFormats

extension DistillationConfig {
  /// The configuration as a JSON object with TextBrewer's keys; reading it gives the same configuration.
  public var json: JSONValue {
    var object = JSONObject()
    object["temperature"] = number(temperature)
    object["temperature_scheduler"] = temperatureSchedule.json
    object["kd_loss_type"] = .string(kdLossType.rawValue)
    if !kdLossOptions.named.isEmpty {
      var options = JSONObject()
      for (name, value) in kdLossOptions.named { options[name] = number(value) }
      object["kd_loss_options"] = .object(options)
    }
    if logitStandardization { object["logit_standardization"] = true }
    object["kd_loss_weight"] = number(kdLossWeight)
    object["kd_loss_weight_scheduler"] = .string(kdLossWeightSchedule.rawValue)
    object["hard_label_weight"] = number(hardLabelWeight)
    object["hard_label_weight_scheduler"] = .string(hardLabelWeightSchedule.rawValue)
    object["probability_shift"] = .bool(probabilityShift)
    object["cache_teacher_logits"] = .bool(cacheTeacherLogits)
    object["intermediate_matches"] = .array(matches.map(\.json))
    if let compatibility { object["compatibility"] = .string(compatibility.rawValue) }
    return .object(object)
  }
}

/// Whole numbers are written without a fraction, as people write them.
private func number(_ value: Double) -> JSONValue {
  Int(exactly: value).map { .integer($0) } ?? .double(value)
}

extension TemperatureSchedule {
  fileprivate var json: JSONValue {
    switch self {
    case .constant: "none"
    case .flsw(let beta, let gamma): ["flsw", number(beta), number(gamma)]
    case .cwsm(let beta): ["cwsm", number(beta)]
    }
  }
}

extension MatchSource {
  fileprivate var json: JSONValue {
    switch self {
    case .preset(let name): return .string(name)
    case .match(let match): return match.json
    case .custom(let match): return match.json
    case .map(let map, let loss, let weight, let projection):
      var object = JSONObject()
      object["map"] = .string(map.rawValue)
      object["loss"] = .string(loss.rawValue)
      object["weight"] = number(weight)
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
    object["weight"] = number(weight)
    object["proj"] = projection?.json
    object["attention"] = attention.map { .bool($0) }
    object["relation_heads"] = relationHeads.map { .integer($0) }
    object["relation_weights"] = relationWeights.map { .array($0.map { number($0) }) }
    return .object(object)
  }
}

extension CustomMatch {
  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["module_T"] = .string(moduleT)
    object["module_S"] = .string(moduleS)
    object["loss"] = .string(loss.name)
    object["weight"] = number(weight)
    object["proj"] = projection?.json
    return .object(object)
  }
}

extension ProjectionConfig {
  fileprivate var json: JSONValue {
    var parts: [JSONValue] = [.string(kind.rawValue)]
    if let studentSize, let teacherSize { parts += [.integer(studentSize), .integer(teacherSize)] }
    var options = JSONObject()
    options["lr"] = learningRate.map { number($0) }
    options["weight_decay"] = weightDecay.map { number($0) }
    return .array(options.isEmpty ? parts : parts + [.object(options)])
  }
}
