/// Turns the names a checkpoint uses into the canonical ones, those of classes such as `BertForSequenceClassification`.
///
/// Checkpoints of a bare encoder such as `BertModel` lack its prefix (`bert.`), those saved under `DataParallel` start
/// with `module.`, and those converted from TensorFlow before 2020 call LayerNorm's weight and bias `gamma` and `beta`.
/// Each rule looks at whole components at a fixed place of the name, and all are applied once, before any layer is built.
struct NameMap {
  /// The checkpoint's name behind each canonical name.
  let original: [String: String]
  /// Two names of the checkpoint that mean the same parameter, if there are any.
  let conflict: (String, String)?

  /// - Parameter encoder: The canonical name of the encoder's module.
  init(_ names: [String], encoder: String) {
    var original: [String: String] = [:]
    var conflict: (String, String)?
    for name in names {
      guard let canonical = Self.canonical(name, encoder: encoder) else { continue }
      if let other = original.updateValue(name, forKey: canonical) { conflict = (other, name) }
    }
    self.original = original
    self.conflict = conflict
  }

  /// The canonical name, nil for buffers that carry nothing to load.
  private static func canonical(_ name: String, encoder: String) -> String? {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if parts.count > 1, parts[0] == "module" { parts.removeFirst() }
    let modules = ["embeddings", "embeddings_project", "encoder", "transformer", "pooler"]
    if let first = parts.first, modules.contains(first) { parts.insert(encoder, at: 0) }
    if parts.count > 1, parts[parts.count - 2] == "LayerNorm" {
      switch parts[parts.count - 1] {
      case "gamma": parts[parts.count - 1] = "weight"
      case "beta": parts[parts.count - 1] = "bias"
      default: break
      }
    }
    // 0, 1, 2 …: a buffer that old versions stored.
    if parts.suffix(2) == ["embeddings", "position_ids"] { return nil }
    return parts.joined(separator: ".")
  }
}
