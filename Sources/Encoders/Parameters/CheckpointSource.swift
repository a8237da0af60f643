import ModelFormats
import Tensors

/// The parameters in a checkpoint's files, under their canonical names.
///
/// Float32 values are used where the file is mapped: loading reads no page, and an optimizer's first write copies one.
final class CheckpointSource: ParameterSource {
  private let reader: CheckpointReader
  private let map: NameMap
  private let hidden: (String) -> Bool

  /// - Parameters:
  ///   - reader: The files.
  ///   - names: The canonical names.
  ///   - hiding: Decides for a canonical name whether to act as if the checkpoint did not have it.
  init(
    _ reader: CheckpointReader, names: ParameterNames, hiding hidden: @escaping (String) -> Bool
  ) throws(ModelError) {
    self.reader = reader
    self.hidden = hidden
    map = NameMap(reader.names, encoder: names.encoder)
    if let (first, second) = map.conflict {
      throw .format(
        .tensor(file: reader.path, name: second, reason: "\"\(first)\" is another name of the same parameter")
      )
    }
  }

  var path: String { reader.path }

  var names: [String] { Array(map.original.keys) }

  func shape(of name: String) -> Shape? {
    guard !hidden(name), let original = map.original[name] else { return nil }
    return reader[original].map { Shape($0.shape) }
  }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    guard let original = map.original[name], let file = reader.file(of: original), let info = file[original]
    else {
      preconditionFailure("tensor(_:) is only asked for names that shape(of:) knows, not \(name).")
    }
    if let mapped = file.mappedFloats(info) {
      return Tensor(
        storage: Storage(borrowing: mapped, count: info.count, owner: file), shape: Shape(info.shape))
    }
    let storage = Storage(uninitialized: info.count)
    do throws(FormatError) { try file.readFloats(info, into: storage.pointer) } catch { throw .format(error) }
    return Tensor(storage: storage, shape: Shape(info.shape))
  }
}
