import Foundation
import Kernels
import ModelFormats
import Synchronization
import Tensors

/// The parameters in a checkpoint's files, under their canonical names.
///
/// Float32 values are used where they are mapped.
final class CheckpointSource: ParameterSource {
  private let reader: CheckpointReader
  private let original: [String: String]
  private let hidden: (String) -> Bool

  /// - Parameters:
  ///   - reader: The files.
  ///   - family: What the canonical names are those of.
  ///   - aliases: Second names, by the canonical ones, of parameters that a checkpoint may hold under both or either.
  ///   - hiding: Decides for a canonical name whether to act as if the checkpoint did not have it.
  init(
    _ reader: CheckpointReader, family: any EncoderFamily, aliases: [String: String] = [:],
    hiding hidden: @escaping (String) -> Bool
  ) throws(ModelError) {
    self.reader = reader
    self.hidden = hidden
    let map = NameMap(reader.names, family: family)
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
      guard a.shape == b.shape, a.storage.hasSameBits(as: b.storage) else {
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

  func shape(of name: String) -> Shape? {
    guard !hidden(name), let original = original[name] else { return nil }
    return reader[original].map { Shape($0.shape) }
  }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    guard let original = original[name] else {
      preconditionFailure("tensor(_:) is only asked for names that shape(of:) knows, not \(name).")
    }
    return try Self.tensor(original, reader)
  }

  /// Reads the file beside the mapping, whose pages would otherwise all take room, on all cores.
  func nonFiniteCounts(of names: [String]) throws(ModelError) -> [Int] {
    struct Piece {
      let number: Int
      let file: StoredTensors
      let info: TensorInfo
      let elements: Range<Int>
    }
    let length = 1 << 20
    let pieces = names.enumerated().flatMap { number, name in
      guard let original = original[name], let file = reader.file(of: original), let info = file[original]
      else { return [Piece]() }
      guard file.liesRowByRow(info) else {
        return [Piece(number: number, file: file, info: info, elements: 0..<info.count)]
      }
      return stride(from: 0, to: info.count, by: length).map {
        Piece(number: number, file: file, info: info, elements: $0..<min(info.count, $0 + length))
      }
    }
    let found = Mutex<Result<[Int], FormatError>>(.success([Int](repeating: 0, count: names.count)))
    Parallel.forEach(pieces.count, block: 1) { range in
      for piece in pieces[range] {
        let count = Result { () throws(FormatError) in
          try piece.file.nonFiniteCount(piece.info, in: piece.elements)
        }
        found.withLock { found in
          switch (found, count) {
          case (.success(var counts), .success(let count)):
            if count == 0 { break }
            counts[piece.number] += count
            found = .success(counts)
          case (.success, .failure(let error)): found = .failure(error)
          case (.failure, _): break
          }
        }
      }
    }
    do throws(FormatError) { return try found.withLock(\.self).get() } catch { throw .format(error) }
  }

  /// The values under the checkpoint's own name.
  private static func tensor(_ name: String, _ reader: CheckpointReader) throws(ModelError) -> Tensor {
    guard let file = reader.file(of: name), let info = file[name] else {
      preconditionFailure("The checkpoint's own names, such as \(name), all have a file.")
    }
    do throws(FormatError) {
      return Tensor(storage: try file.storage(of: info), shape: Shape(info.shape))
    } catch {
      throw .format(error)
    }
  }
}
