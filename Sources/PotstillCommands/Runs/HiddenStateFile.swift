import Foundation
import ModelFormats
import Tensors

/// Hidden states collected over batches, to be written as one safetensors file.
struct HiddenStateFile {
  private var layers: [[Float]] = []
  private var width = 0

  /// Adds the rows of one batch: the embeddings and each layer, [tokens, hidden] each.
  mutating func append(_ states: [Tensor]) {
    if layers.isEmpty { layers = [[Float]](repeating: [], count: states.count) }
    for (index, state) in states.enumerated() {
      layers[index] += state.values
      width = state.shape.lastDimension
    }
  }

  /// Writes `hidden.0` (the embeddings) to `hidden.N` (the last layer), [tokens, hidden] each.
  func write(to url: URL) throws {
    var writer = SafetensorsWriter()
    for (index, values) in layers.enumerated() {
      writer.add("hidden.\(index)", shape: [width == 0 ? 0 : values.count / width, width], values: values)
    }
    try writer.write(to: url)
  }
}
