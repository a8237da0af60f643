import ModelFormats

/// Reader of one entry of `intermediate_matches`: a name, a layer map, or a match written out.
struct MatchReader {
  private let entry: JSONValue
  private let path: String
  private(set) var faults: [Fault] = []

  /// The two ways in which Sun and others (2019) choose layers for `pkd`.
  private static let patientMaps: [String: LayerMap] = ["pkd_skip": .uniform, "pkd_last": .last]

  init(_ entry: JSONValue, path: String) {
    self.entry = entry
    self.path = path
  }

  mutating func read() -> MatchSource? {
    if let name = entry.stringValue { return named(name) }
    guard let object = entry.objectValue else {
      fault(
        "", "found \(entry.inWords), expected a match such as {layer_T: 8, layer_S: 2, loss: hidden_mse}")
      return nil
    }
    var reader = FieldReader(object, path: path)
    defer { faults += reader.faults }
    if object["module_T"] != nil || object["module_S"] != nil { return custom(&reader) }
    return object["map"] == nil ? written(&reader) : map(&reader)
  }

  /// A preset, a layer map, or a map with its loss (`uniform:cos`).
  private mutating func named(_ name: String) -> MatchSource? {
    if MatchPresets.matches(named: name) != nil { return .preset(name) }
    if let map = Self.patientMaps[name] { return .map(map, loss: .pkd) }
    if let match = MatchLossType(rawValue: name).flatMap({ IntermediateMatch($0) }) { return .match(match) }
    let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
    if let map = parts.first.flatMap(LayerMap.init) {
      guard parts.count == 2 else { return .map(map) }
      if let loss = MatchLossType(rawValue: parts[1]) { return .map(map, loss: loss) }
      fault("", nearest(parts[1], among: MatchLossType.allCases.map(\.rawValue), what: "loss"))
      return nil
    }
    let methods =
      MatchLossType.allCases.filter { $0.standardLayers != nil }.map(\.rawValue)
      + Self.patientMaps.keys.sorted()
    fault(
      "",
      nearest(
        name, among: LayerMap.allCases.map(\.rawValue) + methods + MatchPresets.names,
        what: "set of matches"))
    return nil
  }

  private mutating func map(_ reader: inout FieldReader) -> MatchSource? {
    let map: LayerMap? = reader.choice("map")
    let loss: MatchLossType? = reader.choice("loss")
    let weight = reader.number("weight") ?? 1
    let projection = projection(&reader)
    reader.rejectUnknown()
    return map.map { .map($0, loss: loss ?? .hiddenMSE, weight: weight, projection: projection) }
  }

  private mutating func custom(_ reader: inout FieldReader) -> MatchSource? {
    let teacherModule = module("module_T", &reader)
    let studentModule = module("module_S", &reader)
    let loss: MatchLossType? = reader.choice("loss")
    let weight = reader.number("weight") ?? 1
    let projection = projection(&reader)
    reader.rejectUnknown()
    guard let teacherModule, let studentModule else { return nil }
    return .custom(
      CustomMatch(
        teacherModule: teacherModule, studentModule: studentModule, loss: .named(loss ?? .hiddenMSE),
        weight: weight,
        projection: projection))
  }

  private func module(_ key: String, _ reader: inout FieldReader) -> String? {
    guard let value = reader.value(key) else {
      reader.add(key, "is missing; expected a module's name such as encoder.layer.3.attention.output")
      return nil
    }
    if let name = value.stringValue { return name }
    reader.add(key, "found \(value.inWords), expected a module's name such as encoder.layer.3")
    return nil
  }

  private mutating func written(_ reader: inout FieldReader) -> MatchSource? {
    let feature: MatchFeature? = reader.choice("feature")
    let before = reader.faults.count
    let loss: MatchLossType? = reader.choice("loss")
    if loss == nil && reader.faults.count == before {
      reader.add(
        "loss", "is missing; known are \(MatchLossType.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let teacherLayers = layers("layer_T", &reader, of: loss)
    let studentLayers = layers("layer_S", &reader, of: loss)
    let weight = reader.number("weight") ?? 1
    let projection = projection(&reader)
    let relationHeads = reader.integer("relation_heads")
    let relationWeights = reader.numbers("relation_weights")
    let attention = reader.truth("attention")
    reader.rejectUnknown()
    guard let loss, var teacherLayers, var studentLayers else { return nil }
    if let feature, feature != loss.feature {
      reader.add("feature", "is \(feature.rawValue), but \(loss.rawValue) compares \(loss.feature.rawValue)")
    }
    if loss.takesTwoLayers {
      // One layer compared with itself is what every published configuration asks for.
      if teacherLayers.count == 1 && studentLayers.count == 1 {
        (teacherLayers, studentLayers) = (teacherLayers + teacherLayers, studentLayers + studentLayers)
      }
      if teacherLayers.count != 2 || studentLayers.count != 2 {
        reader.add("layer_T", "\(loss.rawValue) takes two layers of each side, such as [4, 4] and [1, 1]")
        return nil
      }
    } else if !loss.takesAllLayers, teacherLayers.count != 1 || studentLayers.count != 1 {
      reader.add("layer_T", "\(loss.rawValue) takes one layer of each side, found a list")
      return nil
    }
    var match = IntermediateMatch(
      teacherLayers: teacherLayers, studentLayers: studentLayers, loss: loss, weight: weight,
      projection: projection)
    (match.relationHeads, match.relationWeights, match.attention) = (
      relationHeads, relationWeights, attention
    )
    return .match(match)
  }

  private func layers(_ key: String, _ reader: inout FieldReader, of loss: MatchLossType?) -> [Int]? {
    guard let value = reader.value(key) else {
      if let standard = loss?.standardLayers { return standard }
      reader.add(key, "is missing; expected a layer number, 0 being the embeddings")
      return nil
    }
    if let loss, loss.takesAllLayers {
      reader.add(key, "\(loss.rawValue) compares all layers; remove it")
      return nil
    }
    let layers = (value.arrayValue ?? [value]).compactMap(\.intValue)
    guard !layers.isEmpty, layers.count == (value.arrayValue?.count ?? 1) else {
      reader.add(key, "found \(value.inWords), expected a layer number or a list of two")
      return nil
    }
    return layers
  }

  /// `"linear"`, `["linear"]`, `["linear", 384, 768]`, each list with an optional object of options at its end.
  private func projection(_ reader: inout FieldReader) -> ProjectionConfig? {
    guard let value = reader.value("proj") else { return nil }
    var parts = value.arrayValue ?? [value]
    guard let name = parts.first else {
      reader.add("proj", "found an empty list, expected [\"linear\", student size, teacher size]")
      return nil
    }
    let kinds = ProjectionConfig.Kind.allCases
    guard let kind = name.stringValue.flatMap(ProjectionConfig.Kind.init) else {
      reader.add("proj[0]", FieldReader.unknown(name, among: kinds.map(\.rawValue)))
      return nil
    }
    var projection = ProjectionConfig(kind)
    if let options = parts.last?.objectValue {
      parts.removeLast()
      var nested = FieldReader(options, path: reader.field("proj"))
      projection.learningRate = nested.number("lr")
      projection.weightDecay = nested.number("weight_decay")
      nested.rejectUnknown()
      reader.add(nested.faults)
    }
    let sizes = parts.dropFirst().compactMap(\.intValue)
    guard sizes.count == parts.count - 1, sizes.isEmpty || sizes.count == 2 else {
      reader.add("proj", "expected [\"\(kind.rawValue)\", student size, teacher size], or no sizes at all")
      return projection
    }
    if sizes.count == 2 { (projection.studentSize, projection.teacherSize) = (sizes[0], sizes[1]) }
    return projection
  }

  private mutating func fault(_ key: String, _ message: String) {
    faults.append(Fault(key.isEmpty ? path : "\(path).\(key)", message))
  }

  private func nearest(_ name: String, among names: [String], what: String) -> String {
    let hint = suggestion(for: name, among: names).map { "did you mean \($0)? " } ?? ""
    return "\"\(name)\" is no \(what); \(hint)Known are \(names.joined(separator: ", "))"
  }
}
