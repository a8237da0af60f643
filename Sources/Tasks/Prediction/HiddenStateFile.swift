public import Foundation
import ModelFormats
public import Tensors

/// Hidden states collected over batches, to be written as one safetensors file.
public struct HiddenStateFile {
  private var layers: [[Float]] = []
  private var width = 0

  /// A file of no rows yet.
  public init() {}

  /// Adds the rows of one batch: the embeddings and each layer, [tokens, hidden] each.
  public mutating func append(_ states: [Tensor]) {
    if layers.isEmpty { layers = [[Float]](repeating: [], count: states.count) }
    for (index, state) in states.enumerated() {
      layers[index] += state.values
      width = state.shape.lastDimension
    }
  }

  /// Writes `hidden.0` (the embeddings) to `hidden.N` (the last layer), [tokens, hidden] each.
  ///
  /// - Throws: `FormatError`.
  public func write(to url: URL) throws {
    var writer = SafetensorsWriter()
    for (index, values) in layers.enumerated() {
      writer.add("hidden.\(index)", shape: [width == 0 ? 0 : values.count / width, width], values: values)
    }
    try writer.write(to: url)
  }
}
