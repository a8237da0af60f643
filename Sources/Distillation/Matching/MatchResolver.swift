import Encoders
import ModelFormats

/// Resolver of configured matches for two given models, which collects the faults.
struct MatchResolver {
  private let teacher: ModelDescription
  private let student: ModelDescription
  private let compatibility: Compatibility?
  /// Matches of layers, then those of named modules.
  var matches: [Match] { layerMatches + moduleMatches }
  private var layerMatches: [Match] = []
  private var moduleMatches: [Match] = []
  private(set) var faults: [Fault] = []

  /// Resolves matches under the names of their fields.
  ///
  /// - Parameters:
  ///   - sources: The matches with their fields, such as `intermediate_matches[2]`.
  ///   - teacher: The teacher's sizes and names.
  ///   - student: The student's.
  ///   - compatibility: Program whose counting to follow.
  init(
    _ sources: [(field: String, source: MatchSource)], teacher: ModelDescription, student: ModelDescription,
    compatibility: Compatibility?
  ) {
    (self.teacher, self.student, self.compatibility) = (teacher, student, compatibility)
    if teacher.intermediates.isEmpty, let (field, _) = sources.first {
      faults = [
        Fault(
          field,
          "\(teacher.name) has answers and no layers to match; leave the matches out, or make a model the "
            + "first teacher")
      ]
      return
    }
    for (field, source) in sources {
      switch source {
      case .match(let match): resolve(match, field, countsFromZero: compatibility == .textbrewer)
      case .custom(let match): resolve(match, field)
      case .preset(let name): preset(name, field)
      case .map(let map, let loss, let weight, let projection):
        self.map(map, loss, weight: weight, projection, field)
      }
    }
    reportRepeats()
  }

  private mutating func preset(_ name: String, _ field: String) {
    guard let members = MatchPresets.matches(named: name) else {
      faults.append(
        Fault(
          field, "\"\(name)\" is no preset; known are \(MatchPresets.names.joined(separator: ", "))"))
      return
    }
    for match in members { resolve(match, "\(field) (\(name))", countsFromZero: false) }
  }

  private mutating func map(
    _ map: LayerMap, _ loss: MatchLossType, weight: Double, _ projection: ProjectionConfig?, _ field: String
  ) {
    if map != .uniform && student.layers > teacher.layers {
      faults.append(
        Fault(
          field,
          "the map \(map.rawValue) needs a teacher at least as deep as the student, found \(teacher.layers) "
            + "and \(student.layers) layers; use uniform"))
      return
    }
    if loss.takesAllLayers {
      faults.append(Fault(field, "\(loss.rawValue) compares all layers; write it without a map"))
      return
    }
    let pairs = self.pairs(of: map, for: loss)
    if pairs.isEmpty {
      faults.append(
        Fault(
          field, "\(loss.rawValue) compares inner layers, of which a student of \(student.layers) has none"))
    }
    // The authors' loss is a mean over the layers too (Sun and others 2019, patience_loss).
    let weight =
      loss.loss.isMeanOfInnerLayers && compatibility != .textbrewer
      ? weight / Double(max(1, pairs.count)) : weight
    for pair in pairs {
      let needsProjection =
        loss.needsEqualSizes
        && teacher.width(at: pair.teacher.first ?? 0) != student.width(at: pair.student.first ?? 0)
      let match = IntermediateMatch(
        teacherLayers: pair.teacher, studentLayers: pair.student, loss: loss, weight: weight,
        projection: projection ?? (needsProjection ? ProjectionConfig(.linear) : nil))
      resolve(match, "\(field) (\(map.rawValue))", countsFromZero: false)
    }
  }

  /// The layers that a map pairs for a loss: what its method leaves out is left out.
  private func pairs(of map: LayerMap, for loss: MatchLossType) -> [(teacher: [Int], student: [Int])] {
    let textBrewer = compatibility == .textbrewer
    let embeddings = loss.feature == .hidden && (!loss.readsFirstTokens || textBrewer)
    var pairs = map.pairs(
      teacher: teacher.layers, student: student.layers, embeddings: embeddings, copied: student.copiedLayers)
    // The logits take care of the last layer (Sun and others 2019).
    if loss.loss.isMeanOfInnerLayers, !textBrewer { pairs.removeLast() }
    if loss.loss.comparesMoves {
      return zip(pairs, pairs.dropFirst()).map { ([$0.teacher, $1.teacher], [$0.student, $1.student]) }
    }
    let count = loss.takesTwoLayers ? 2 : 1
    return pairs.map { pair in
      ([Int](repeating: pair.teacher, count: count), [Int](repeating: pair.student, count: count))
    }
  }

  private mutating func resolve(_ match: IntermediateMatch, _ field: String, countsFromZero: Bool) {
    let before = faults.count
    checkAbilities(match, field)
    guard faults.count == before else { return }
    if let fault = NumberLimits.weightFault(match.weight) {
      faults.append(Fault("\(field).weight", fault))
    }
    let expected = match.loss.loss.layerCount
    if match.teacherLayers.count != expected || match.studentLayers.count != expected {
      faults.append(
        Fault(
          "\(field).layer_T", "\(match.loss.rawValue) takes \(expected) layer(s) of each side"))
    }
    let positions = {
      (layers: [Int], model: ModelDescription, key: String, faults: inout [Fault]) in
      layers.map { layer in
        Self.position(
          of: layer, feature: match.feature, layers: model.layers, countsFromZero: countsFromZero,
          field: "\(field).\(key)", side: key == "layer_T" ? "teacher" : "student", faults: &faults)
      }
    }
    var teacherPositions = positions(match.teacherLayers, teacher, "layer_T", &faults)
    var studentPositions = positions(match.studentLayers, student, "layer_S", &faults)
    var projection = match.projection
    if match.loss.takesAllLayers {
      (teacherPositions, studentPositions) = (Array(0...teacher.layers), Array(0...student.layers))
      if teacher.hiddenSize != student.hiddenSize, projection == nil {
        projection = ProjectionConfig(.linear)
      }
    }
    projection = resolve(
      projection, of: match, field, student.width(at: studentPositions.first ?? 0),
      teacher.width(at: teacherPositions.first ?? 0))
    checkAttention(of: match, field)
    let layers = (teacher: teacherPositions.first ?? 0, student: studentPositions.first ?? 0)
    if let other = match.loss.loss.lossForUnequalHeads {
      let found = (teacher.heads(inLayer: layers.teacher), student.heads(inLayer: layers.student))
      if found.0 != found.1 {
        faults.append(
          Fault(
            "\(field).loss",
            "\(match.loss.rawValue) needs equal head counts, found \(found.0) in the teacher and "
              + "\(found.1) in the student; use \(other.rawValue)"))
      }
    }
    if match.loss.loss.comparesMoves,
      Set(teacherPositions).count == 1 || Set(studentPositions).count == 1
    {
      faults.append(
        Fault(
          "\(field).layer_T",
          "\(match.loss.rawValue) compares what happens between two layers, such as [4, 8] and [1, 2]"))
    }
    let heads = RelationHeads(
      match, field: field, teacher: teacher, student: student, layers: layers)
    faults += heads.faults
    guard faults.count == before else { return }
    let comparesAttention =
      match.loss.takesAllLayers && match.attention ?? haveEqualHeads
    let side = { (model: ModelDescription, positions: [Int]) in
      Match.Side(
        match.loss, at: positions, of: model, relationHeads: heads.count, comparesAttention: comparesAttention
      )
    }
    layerMatches.append(
      Match(
        logName: match.logName, lossName: match.loss.rawValue, weight: match.weight,
        teacher: side(teacher, teacherPositions), student: side(student, studentPositions),
        projection: projection, relationHeads: heads.count, relationWeights: match.relationWeights,
        rows: .tokens, comparison: .layers(match.loss.loss)))
  }

  /// Faults of losses that a model without attention, or with embeddings of a width of their own, cannot give.
  private mutating func checkAbilities(_ match: IntermediateMatch, _ field: String) {
    for (model, name) in [(teacher, "teacher"), (student, "student")] {
      if model.heads == 0, match.feature != .hidden || match.attention == true {
        faults.append(
          Fault(
            "\(field).loss", "\(match.loss.rawValue) compares attention, of which the \(name) has none"))
      }
      if match.loss.takesAllLayers, model.embeddingSize != model.hiddenSize {
        faults.append(
          Fault(
            "\(field).loss",
            "\(match.loss.rawValue) compares all layers, but the \(name)'s embeddings have \(model.embeddingSize) features and "
              + "its layers \(model.hiddenSize)"))
      }
    }
  }

  /// Whether every layer of both sides has as many heads.
  private var haveEqualHeads: Bool {
    teacher.commonHeads.map { $0 == student.commonHeads } ?? false
  }

  /// Checks the option of `emd` that compares attention too.
  private mutating func checkAttention(of match: IntermediateMatch, _ field: String) {
    guard let attention = match.attention else { return }
    if !match.loss.takesAllLayers {
      faults.append(
        Fault("\(field).attention", "is for emd, not for \(match.loss.rawValue); remove it"))
    } else if attention, !haveEqualHeads {
      faults.append(
        Fault(
          "\(field).attention",
          "needs equal head counts, found \(teacher.heads) in the teacher and \(student.heads) in the "
            + "student; set it to false to compare hidden states only"))
    }
  }

  private static func position(
    of layer: Int, feature: MatchFeature, layers: Int, countsFromZero: Bool, field: String, side: String,
    faults: inout [Fault]
  ) -> Int {
    let count = feature == .hidden ? layers + 1 : layers
    let first = feature == .hidden || (countsFromZero && feature == .attention) ? 0 : 1
    let position = layer < 0 ? max(-1, count + layer) : layer - first
    if position >= 0 && position < count { return position }
    var message =
      "\(side) layer \(layer) does not exist; the \(side) has \(layers) layers, so "
      + "\(first) to \(first + count - 1) (or \(-count) to -1 from the end)"
    if feature != .hidden && layer == 0 { message += "; attention counts from 1, the first block" }
    if feature == .hidden { message += "; 0 is the embeddings. The map uniform fits any two depths" }
    let fault = Fault(field, message)
    // A layer that is compared with itself is one mistake.
    if faults.last != fault { faults.append(fault) }
    return 0
  }

  /// Fills in the sizes of a projection, or says why the match needs one.
  private mutating func resolve(
    _ projection: ProjectionConfig?, of match: IntermediateMatch, _ field: String, _ own: Int, _ other: Int
  ) -> ProjectionConfig? {
    guard var projection else {
      if match.loss.needsEqualSizes && own != other {
        faults.append(
          Fault(
            "\(field).proj",
            "\(match.loss.rawValue) compares hidden size \(own) of the student with \(other) of the "
              + "teacher; add proj: [\"linear\", \(own), \(other)]"))
      }
      return nil
    }
    if match.feature != .hidden {
      faults.append(
        Fault(
          "\(field).proj", "a projection applies to hidden states, not to attention; remove it"))
      return nil
    }
    faults += projection.faults("\(field).proj", studentSize: own, teacherSize: other)
    (projection.studentSize, projection.teacherSize) = (own, other)
    return projection
  }

  private mutating func reportRepeats() {
    var seen: Set<String> = []
    for match in layerMatches where !seen.insert(match.logName).inserted {
      faults.append(
        Fault(
          "intermediate_matches",
          "\(match.lossName) of the teacher's \(match.teacher.name) and the student's \(match.student.name) "
            + "occurs more than once; the weights add up", severity: .warning))
    }
  }

  // MARK: Named modules

  private mutating func resolve(_ match: CustomMatch, _ field: String) {
    let before = faults.count
    if let fault = NumberLimits.weightFault(match.weight) { faults.append(Fault("\(field).weight", fault)) }
    if let type = match.loss.type, !type.loss.comparesSingleValues {
      let losses = MatchLossType.allCases.filter(\.loss.comparesSingleValues)
      faults.append(
        Fault(
          "\(field).loss",
          "\(type.rawValue) compares \(type.feature == .hidden ? "several layers" : "attention"), which no module "
            + "gives; match layers with it, or use one of "
            + losses.map(\.rawValue).joined(separator: ", ")))
    }
    let other = module(match.teacherModule, of: teacher, "\(field).module_T")
    let own = module(match.studentModule, of: student, "\(field).module_S")
    guard let other, let own else { return }
    if other.rows != own.rows {
      let unit = { (rows: Intermediate.Rows) in rows == .sequences ? "sequence" : "token" }
      faults.append(
        Fault(
          "\(field).module_S",
          "\(own.name) has a row for each \(unit(own.rows)), the teacher's \(other.name) for each "
            + "\(unit(other.rows)); match values of one kind"))
    }
    var projection = match.projection
    if var sized = projection {
      faults += sized.faults("\(field).proj", studentSize: own.width, teacherSize: other.width)
      (sized.studentSize, sized.teacherSize) = (own.width, other.width)
      projection = sized
    } else if match.loss.type?.needsEqualSizes == true, own.width != other.width {
      faults.append(
        Fault(
          "\(field).proj",
          "\(match.loss.name) compares rows of \(own.width) values of the student with \(other.width) of the "
            + "teacher; add proj: [\"linear\", \(own.width), \(other.width)]"))
    }
    guard faults.count == before else { return }
    moduleMatches.append(
      Match(
        logName: match.logName, lossName: match.loss.name, weight: match.weight, teacher: Match.Side(other),
        student: Match.Side(own), projection: projection, relationHeads: nil, relationWeights: nil,
        rows: own.rows, comparison: match.loss.comparison))
  }

  private mutating func module(
    _ name: String, of model: ModelDescription, _ field: String
  ) -> Intermediate? {
    if let found = model.intermediate(named: name) { return found }
    faults.append(model.unknownIntermediate(name, field: field))
    return nil
  }
}

extension Match.Side {
  /// Layers of a model at some positions, as a loss compares them.
  fileprivate init(
    _ loss: MatchLossType, at positions: [Int], of model: ModelDescription, relationHeads: Int?,
    comparesAttention: Bool
  ) {
    let unique = positions.count == 2 && positions[0] == positions[1] ? [positions[0]] : positions
    let names = unique.map { position in
      switch loss.feature {
      case .hidden: position == 0 ? "embeddings" : "layer \(position)"
      case .attention, .selfAttention: "layer \(position + 1)"
      }
    }
    let maps = "[\(relationHeads ?? model.heads(inLayer: positions.first ?? 0)) heads, T, T]"
    let (taps, shape): ([String], String) =
      switch loss.feature {
      case .hidden: (positions.map(model.hiddenName), "[T, \(model.width(at: positions.first ?? 0))]")
      case .attention: (positions.compactMap { model.attention(inLayer: $0)?.scores }, maps)
      case .selfAttention:
        (
          positions.prefix(1).compactMap { model.attention(inLayer: $0) }
            .flatMap { [$0.queries, $0.keys, $0.values] }, maps
        )
      }
    // Block k is the place after the embeddings in the hidden states, but the place k − 1 among the maps.
    let scores =
      comparesAttention ? positions.dropLast().compactMap { model.attention(inLayer: $0)?.scores } : []
    self.init(
      positions: positions, taps: taps, scores: scores,
      name: loss.takesAllLayers ? "all layers" : names.joined(separator: ", "),
      shape: comparesAttention ? "\(shape), \(maps)" : shape)
  }

  /// A named module.
  fileprivate init(_ value: Intermediate) {
    self.init(
      taps: [value.name], name: value.name,
      shape: "[\(value.rows == .sequences ? "B" : "T"), \(value.width)]")
  }
}
