/// The names and tensors of a pickled dictionary; what else it holds beside them, such as `epoch`, is left out.
struct StateDict {
  let tensors: [(name: String, tensor: PickledTensor)]

  /// - Throws: `FormatError.pytorch` that says what was found instead of tensors, such as a checkpoint of a training
  ///   framework, which holds them in a dictionary of their own.
  init(_ value: PickleValue, _ heap: PickleHeap, file: String) throws(FormatError) {
    guard case .dictionary(let index) = value else {
      throw .pytorch(file: file, reason: "it holds \(value.kind), expected a dictionary of tensors")
    }
    let entries = heap.dictionaries[index]
    var tensors: [(String, PickledTensor)] = []
    for entry in entries {
      switch (entry.key, entry.value) {
      case (.string(let name), .tensor(let tensor)): tensors.append((name, heap.tensors[tensor]))
      case (_, .tensor): throw .pytorch(file: file, reason: Self.difference(entries, heap))
      case (_, .dictionary(let index)) where heap.dictionaries[index].contains { $0.value.isTensor }:
        throw .pytorch(file: file, reason: Self.difference(entries, heap))
      default: continue
      }
    }
    guard !tensors.isEmpty || entries.isEmpty else {
      throw .pytorch(file: file, reason: Self.difference(entries, heap))
    }
    self.tensors = tensors
  }

  private static func difference(
    _ entries: [(key: PickleValue, value: PickleValue)], _ heap: PickleHeap
  ) -> String {
    var others: [String] = []
    var nested: String?
    for entry in entries {
      let name = if case .string(let name) = entry.key { "\"\(name)\"" } else { entry.key.kind }
      switch entry.value {
      case .tensor: continue
      case .dictionary(let index):
        let tensors = heap.dictionaries[index].count { $0.value.isTensor }
        others.append(name + " (a dictionary" + (tensors > 0 ? " with \(tensors) tensors)" : ")"))
        if tensors > 0, nested == nil { nested = name }
      default: others.append("\(name) (\(entry.value.kind))")
      }
    }
    let shown = others.prefix(6).joined(separator: ", ") + (others.count > 6 ? ", …" : "")
    let advice =
      nested.map {
        "; this is a training checkpoint, take its weights out once in Python:"
          + " torch.save(torch.load(FILE, map_location=\"cpu\")[\($0)], FILE)"
      } ?? ""
    return
      "beside \(entries.count - others.count) tensors its dictionary holds \(shown), expected tensors only"
      + advice
  }
}
