import Tensors

/// Keeps the values of one forward pass that were asked for by name, and no others.
final class IntermediateRecorder {
  private let wanted: Set<String>
  private(set) var values: [String: Tensor] = [:]

  init(_ names: [String]) { wanted = Set(names) }

  func wants(_ name: String) -> Bool { wanted.contains(name) }

  func keep(_ value: Tensor, as name: String) {
    if wanted.contains(name) { values[name] = value }
  }

  /// The part of a layer.
  func layer(_ index: Int, _ names: ParameterNames) -> LayerRecorder {
    LayerRecorder(recorder: self, layer: names.layerModule(index), names: names)
  }
}

/// A recorder's view of one layer.
struct LayerRecorder {
  fileprivate let recorder: IntermediateRecorder
  fileprivate let layer: String
  let names: ParameterNames

  /// Keeps the layer's own result.
  func keep(_ value: Tensor) { recorder.keep(value, as: layer) }

  /// Keeps the value of a module inside the layer; nil names no module.
  func keep(_ value: Tensor, as part: String?) {
    if let part { recorder.keep(value, as: layer + "." + part) }
  }

  func wants(_ part: String?) -> Bool { part.map { recorder.wants(layer + "." + $0) } ?? false }

  /// Whether attention must be computed step by step.
  var wantsAttention: Bool {
    [names.query, names.key, names.value, names.mixedModule].contains(where: wants)
  }

  /// Whether some value is wanted that a layer has for the first row of each sequence only unless it is told otherwise;
  /// keys and values it has for every row anyway.
  var wantsEveryRow: Bool {
    recorder.wants(layer)
      || [
        names.query, names.mixedModule, names.attentionOutput, names.attendedModule, names.innerModule,
        names.output,
      ].contains(where: wants)
  }
}
