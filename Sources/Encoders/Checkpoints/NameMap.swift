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

  /// - Parameter family: What the canonical names are those of.
  init(_ names: [String], family: any EncoderFamily) {
    let bareModules = family.bareModules
    var original: [String: String] = [:]
    var conflict: (String, String)?
    for name in names {
      guard let canonical = Self.canonical(name, family.module, bareModules: bareModules) else { continue }
      if let other = original.updateValue(name, forKey: canonical) { conflict = (other, name) }
    }
    self.original = original
    self.conflict = conflict
  }

  /// The canonical name, nil for buffers that carry nothing to load.
  private static func canonical(
    _ name: String, _ encoder: String, bareModules: Set<String>
  ) -> String? {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if parts.count > 1, parts[0] == "module" { parts.removeFirst() }
    if let first = parts.first, bareModules.contains(first) { parts.insert(encoder, at: 0) }
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

/// Which parts of a head a checkpoint has, and so which may start at random.
///
/// A head of which nothing is there starts fresh, for a new task. One whose output layer is there was trained, and of a
/// layer that is there in part the rest was lost: what is missing then is a fault.
struct HeadParts {
  private let form: any HeadForm
  private let isTrained: Bool
  private let modules: Set<String>

  /// - Parameter source: The checkpoint; a head that it hides counts as not there.
  init(of form: any HeadForm, in source: some ParameterSource) {
    self.form = form
    let present = source.names.filter { form.owns($0) && source.shape(of: $0) != nil }
    modules = Set(present.map(parentModule))
    isTrained = form.isTrained(with: modules)
  }

  /// Whether a parameter that the checkpoint lacks may have its initial value.
  func mayBeFresh(_ name: String) -> Bool {
    form.owns(name) && !isTrained && !modules.contains(parentModule(of: name))
  }
}
