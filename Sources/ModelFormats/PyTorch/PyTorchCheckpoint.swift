/// The tensors in a file of `torch.save` (PyTorch 1.6 and newer): a zip archive with a pickle that describes them and an
/// entry for each of their storages.
///
/// Every tensor lies inside its storage and has no more elements than it, so reading needs no more memory than the file.
struct PyTorchCheckpoint {
  /// The tensors in the order of the dictionary.
  let tensors: [TensorInfo]
  /// Whether the most significant byte of a number comes first.
  let isBigEndian: Bool

  init(_ stored: MappedFile, file: String) throws(FormatError) {
    let archive = try ZipArchive(stored, file: file)
    let folder = try Self.folder(of: archive, file: file)
    if let (name, method) = archive.compressed.min(by: { $0.key < $1.key }) {
      throw .pytorch(
        file: file,
        reason: "the zip entry \"\(name)\" is compressed (\(method)), expected stored entries as torch.save"
          + " writes them; unpack the archive and pack it again with: zip -0 -r")
    }
    func content(_ name: String, atMost limit: Int) throws(FormatError) -> UnsafeRawBufferPointer? {
      guard let range = archive.entries[folder + name] else { return nil }
      guard range.count <= limit else {
        throw .pytorch(
          file: file,
          reason:
            "\(name) has \(range.count) bytes, more than the \(limit) allowed: it holds more than tensors"
        )
      }
      return try stored.slice(range)
    }
    guard let pickle = try content("data.pkl", atMost: PickleReader.sizeLimit) else {
      preconditionFailure("The folder was chosen because it has data.pkl.")
    }
    let order = try content("byteorder", atMost: 64).map { String(decoding: $0, as: UTF8.self) } ?? "little"
    guard order == "little" || order == "big" else {
      throw .pytorch(file: file, reason: "byteorder is \"\(order)\", expected little or big")
    }
    isBigEndian = order == "big"

    let (value, heap) = try PickleReader.read(pickle, file: file)
    let entries = try StateDict(value, heap, file: file).tensors
    var tensors: [TensorInfo] = []
    var names: Set<String> = []
    for (name, tensor) in entries {
      guard names.insert(name).inserted else {
        throw .tensor(file: file, name: name, reason: "the dictionary has it twice")
      }
      let data = archive.entries[folder + "data/" + tensor.storage.key]
      tensors.append(try Self.info(name, tensor, data: data, file: file))
    }
    self.tensors = tensors
  }

  /// The one top folder of the archive, which may have any name, with its slash.
  private static func folder(of archive: ZipArchive, file: String) throws(FormatError) -> String {
    let folders = archive.entries.keys.filter { $0.hasSuffix("data.pkl") }.map { String($0.dropLast(8)) }
      .filter { $0.isEmpty || $0.firstIndex(of: "/") == $0.index(before: $0.endIndex) }
    guard let folder = folders.first, folders.count == 1 else {
      let names = archive.entries.keys.sorted().prefix(4).joined(separator: ", ")
      throw .pytorch(
        file: file,
        reason: "the zip archive has \(folders.count) entries FOLDER/data.pkl (but \(names)), expected one")
    }
    guard archive.entries[folder + "constants.pkl"] == nil else {
      throw .pytorch(
        file: file,
        reason:
          "it is a program saved by torch.jit; expected what torch.save(model.state_dict(), FILE) writes")
    }
    return folder
  }

  private static func info(
    _ name: String, _ tensor: PickledTensor, data: Range<Int>?, file: String
  ) throws(FormatError) -> TensorInfo {
    func fault(_ reason: String) -> FormatError { .tensor(file: file, name: name, reason: reason) }
    let (size, storage) = (tensor.dtype.byteCount, tensor.storage)
    guard let data else { throw fault("the archive has no entry data/\(storage.key) for its values") }
    let (stored, overflows) = storage.count.multipliedReportingOverflow(by: storage.dtype?.byteCount ?? 1)
    guard !overflows else {
      throw fault(
        "its storage has \(data.count) bytes, but \(storage.count) elements of \(storage.dtype?.byteCount ?? 1) by the "
          + "pickle; the file is damaged")
    }
    guard stored == data.count else {
      throw fault("its storage has \(data.count) bytes, but \(stored) by the pickle; the file is damaged")
    }
    guard let view = TensorView(tensor) else {
      throw fault(
        "shape \(tensor.shape) with strides \(tensor.strides) at \(tensor.offset) describes no tensor")
    }
    guard view.elements.upperBound <= data.count / size else {
      throw fault(
        "elements \(view.elements) of its storage are needed, which has \(data.count / size); the file is damaged"
      )
    }
    guard view.count <= data.count / size else {
      throw fault("shape \(tensor.shape) repeats elements of its storage; save tensor.contiguous() instead")
    }
    return TensorInfo(
      name: name, dtype: tensor.dtype, shape: tensor.shape,
      byteRange: data.lowerBound + view.elements.lowerBound * size..<data.lowerBound + view.elements
        .upperBound * size,
      strides: view.isContiguous ? nil : tensor.strides)
  }
}

/// The elements of its storage that a tensor touches.
private struct TensorView {
  let elements: Range<Int>
  let count: Int
  let isContiguous: Bool

  /// The view of a tensor; nil when the numbers describe no tensor or overflow.
  init?(_ tensor: PickledTensor) {
    guard tensor.shape.count == tensor.strides.count, tensor.offset >= 0,
      (tensor.shape + tensor.strides).allSatisfy({ $0 >= 0 })
    else { return nil }
    var (count, last, contiguous) = (1, tensor.offset, true)
    for (extent, stride) in zip(tensor.shape, tensor.strides).reversed() where extent > 0 {
      if extent > 1, stride != count { contiguous = false }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      let (reach, reachOverflow) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, sumOverflow) = last.addingReportingOverflow(reach)
      guard !overflow, !reachOverflow, !sumOverflow else { return nil }
      (count, last) = (product, sum)
    }
    // An empty tensor touches nothing, whatever its offset and strides say.
    guard !tensor.shape.contains(0) else {
      (elements, self.count, isContiguous) = (0..<0, 0, true)
      return
    }
    guard last < Int.max else { return nil }
    elements = tensor.offset..<last + 1
    self.count = count
    isContiguous = contiguous
  }
}

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
      switch entry.value {
      case .tensor(let tensor):
        guard case .string(let name) = entry.key else {
          throw .pytorch(file: file, reason: Self.difference(entries, heap))
        }
        tensors.append((name, heap.tensors[tensor]))
      case .dictionary(let index):
        if heap.dictionaries[index].contains(where: { $0.value.isTensor }) {
          throw .pytorch(file: file, reason: Self.difference(entries, heap))
        }
      case .none, .bool, .integer, .float, .string, .tuple, .list, .global, .storage: continue
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
      case .none, .bool, .integer, .float, .string, .tuple, .list, .global, .storage:
        others.append("\(name) (\(entry.value.kind))")
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
