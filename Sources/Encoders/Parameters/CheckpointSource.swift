import Foundation
import ModelFormats
import Tensors

/// The parameters in a checkpoint's files, under their canonical names.
///
/// Float32 values are used where they are read to, all at once at the end.
final class CheckpointSource: ParameterSource {
  private let reader: CheckpointReader
  private let original: [String: String]
  private let hidden: (String) -> Bool
  /// The checkpoint's own names of what `finish()` shall read.
  private var pending: [String] = []

  /// - Parameters:
  ///   - reader: The files.
  ///   - names: The canonical names.
  ///   - aliases: Second names, by the canonical ones, of parameters that a checkpoint may hold under both or either.
  ///   - hiding: Decides for a canonical name whether to act as if the checkpoint did not have it.
  init(
    _ reader: CheckpointReader, names: ParameterNames, aliases: [String: String] = [:],
    hiding hidden: @escaping (String) -> Bool
  ) throws(ModelError) {
    self.reader = reader
    self.hidden = hidden
    let map = NameMap(reader.names, encoder: names.encoder)
    if let (first, second) = map.conflict {
      throw .format(
        .tensor(file: reader.path, name: second, reason: "\"\(first)\" is another name of the same parameter")
      )
    }
    var original = map.original
    for (name, alias) in aliases {
      guard let other = original.removeValue(forKey: alias) else { continue }
      guard let first = original[name] else {
        original[name] = other
        continue
      }
      let (a, b) = (try Self.tensor(first, reader), try Self.tensor(other, reader))
      guard a.shape == b.shape, memcmp(a.storage.pointer, b.storage.pointer, a.count * 4) == 0 else {
        throw .format(
          .tensor(
            file: reader.path, name: other,
            reason: "it differs from \(first), whose copy it must be: untied weights are not supported"))
      }
    }
    self.original = original
  }

  var path: String { reader.path }

  var names: [String] { Array(original.keys) }

  var needsInspection: Bool { true }

  func shape(of name: String) -> Shape? {
    guard !hidden(name), let original = original[name] else { return nil }
    return reader[original].map { Shape($0.shape) }
  }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    guard let original = original[name] else {
      preconditionFailure("tensor(_:) is only asked for names that shape(of:) knows, not \(name).")
    }
    if let file = reader.file(of: original), let info = file[original], let place = file.placeOfFloats(info) {
      pending.append(original)
      return Tensor(
        storage: Storage(borrowing: place, count: info.count, owner: file), shape: Shape(info.shape))
    }
    return try Self.tensor(original, reader)
  }

  func finish() throws(ModelError) {
    do throws(FormatError) { try reader.load(pending) } catch { throw .format(error) }
  }

  /// The values under the checkpoint's own name.
  private static func tensor(_ name: String, _ reader: CheckpointReader) throws(ModelError) -> Tensor {
    guard let file = reader.file(of: name), let info = file[name] else {
      preconditionFailure("The checkpoint's own names, such as \(name), all have a file.")
    }
    do throws(FormatError) {
      if let values = try file.floatsInPlace(info) {
        return Tensor(
          storage: Storage(borrowing: values, count: info.count, owner: file), shape: Shape(info.shape))
      }
      let storage = Storage(uninitialized: info.count)
      try file.readFloats(info, into: storage.pointer)
      return Tensor(storage: storage, shape: Shape(info.shape))
    } catch {
      throw .format(error)
    }
  }
}
