import Foundation
import Kernels
import ModelFormats
import Synchronization
import Tensors

/// The parameters in a checkpoint's files, under their canonical names.
///
/// Float32 values are used where they are mapped.
final class CheckpointSource: QuantizedSource {
  private let reader: CheckpointReader
  private let original: [String: String]
  private let hidden: (String) -> Bool
  private let isQuantized: Bool

  /// - Parameters:
  ///   - reader: The files.
  ///   - family: What the canonical names are those of.
  ///   - aliases: Second names, by the canonical ones, of parameters that a checkpoint may hold under both or either.
  ///   - isQuantized: Whether matrices of 8-bit integers have their scales beside them (`QuantizationFormat`).
  ///   - hiding: Decides for a canonical name whether to act as if the checkpoint did not have it.
  init(
    _ reader: CheckpointReader, family: any EncoderFamily, aliases: [String: String] = [:],
    isQuantized: Bool = false, hiding hidden: @escaping (String) -> Bool
  ) throws(ModelError) {
    self.reader = reader
    self.hidden = hidden
    self.isQuantized = isQuantized
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
    if isQuantized {
      // Scales belong to their integers.
      for (name, stored) in original where reader[stored]?.dtype == .int8 {
        original[QuantizationFormat.scaleName(name)] = nil
      }
    }
    self.original = original
  }

  func quantized(_ name: String) throws(ModelError) -> QuantizedMatrix? {
    guard isQuantized, let original = original[name], let file = reader.file(of: original),
      let info = file[original], info.dtype == .int8
    else { return nil }
    do throws(FormatError) {
      return try file.quantized(info, scales: QuantizationFormat.scaleName(original))
    } catch {
      throw .format(error)
    }
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
      guard var original = original[name], let file = reader.file(of: original) else { return [Piece]() }
      // Integers are finite; their scales may not be.
      if isQuantized, file[original]?.dtype == .int8 { original = QuantizationFormat.scaleName(original) }
      guard let info = file[original] else { return [Piece]() }
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

/// Map from the names a checkpoint uses to the canonical ones, those of classes such as `BertForSequenceClassification`.
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

/// Parts of a head that a checkpoint has, and so those that may start at random.
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
