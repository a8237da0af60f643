import Encoders
import Foundation
import ModelFormats

/// Targets of weights and configurations.
enum ModelTargets {
  /// The most values that are converted of one file, since tensors of a file may share their bytes.
  private static let valueLimit = 1 << 23

  /// A file of weights, all values of which are read.
  static func weights(_ bytes: [UInt8], _ name: String, _ folder: FuzzFolder) throws {
    let file = try StoredTensors(path: folder.write(bytes, name).path)
    var count = 0
    for tensor in file.tensors {
      precondition(tensor.byteRange.upperBound <= bytes.count, "Tensors lie inside of their file.")
      count += tensor.count
      if count > valueLimit { return }
      if tensor.dtype.isReadableAsFloat {
        let values = try file.floats(tensor.name)
        precondition(values.count == tensor.count, "All values are read.")
        _ = try file.nonFiniteCount(tensor, in: 0..<tensor.count)
      } else {
        _ = try? file.integers(tensor.name)
      }
      if let values = try file.floatsInPlace(tensor), tensor.count > 0 { _ = values[tensor.count - 1].isNaN }
    }
  }

  /// An index of shards beside two of them.
  static func shards(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    for (shard, name) in [
      ("model-00001-of-00002.safetensors", "a"), ("model-00002-of-00002.safetensors", "b"),
    ] {
      _ = try folder.fix(shard) { file in
        var writer = SafetensorsWriter()
        writer.add(name, shape: [2], values: [1, 2])
        try writer.write(to: file)
      }
    }
    _ = try folder.write(bytes, "model.safetensors.index.json")
    let reader = try CheckpointReader(directory: folder.url)
    for name in reader.names { _ = try reader.floats(name) }
  }

  /// The largest model that is made of a configuration.
  private static let parameterLimit = 1e6

  /// A configuration, of which a model is made if it is small.
  static func config(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    _ = try folder.write(bytes, "config.json")
    let config = try EncoderConfig(directory: folder.url)
    _ = config.json.compactText
    try config.checkMemory(bytesPerParameter: 16, memory: 1 << 33)
    guard config.parameterEstimate <= parameterLimit, config.layerCount <= 16 else { return }
    _ = try TaskModel(config: config, seed: 1).parameterCount
  }
}
