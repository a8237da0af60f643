import Foundation
import Tensors
import Tokenization

/// Layers of convolutions over word embeddings, each with windows of several widths side by side, keeping the length: with
/// one layer and the maximum over time the sentence classifier of Kim (2014), with more of them a tagger.
///
/// Its parameters are `embeddings.word_embeddings.weight` and `layer.<l>.convolutions.<j>.weight` [filters, inputs, width]
/// and `.bias`, those of `nn.Conv1d` with `padding="same"`; a layer's output is ReLU of all widths' filters in order.
struct ConvolutionalEncoder: Encoder {
  let words: Parameter
  private let layers: [[(weight: Parameter, bias: Parameter)]]
  private let names: ParameterNames
  private let dropoutRate: Float

  /// Asks `scope` for the parameters; fresh ones start as PyTorch starts them.
  init(_ scope: ParameterScope, config: EncoderConfig) {
    words = wordTable(scope, config: config)
    let (sizes, list) = (config.kernelSizes, scope / config.architecture.names.layers)
    let filters = config.hiddenSize / sizes.count
    layers = (0..<config.layerCount).map { layer in
      let inputs = layer == 0 ? config.inputSize : config.hiddenSize
      return sizes.enumerated().map { index, width in
        let module = list / layer / "convolutions" / index
        let initial = InitialValue.uniform(bound: 1 / sqrt(Float(inputs * width)))
        return (
          module.parameter("weight", [filters, inputs, width], initial: initial),
          module.parameter("bias", [filters], initial: initial)
        )
      }
    }
    names = config.architecture.names
    dropoutRate = config.hiddenDropout
  }

  func callAsFunction(
    _ batch: TokenBatch, firstRowsOnly: Bool, capture: Capture, recorder: IntermediateRecorder?,
    in context: Context
  ) -> EncoderOutput {
    let steps = layers.map { widths in
      { (x: Tensor) in
        let parts = widths.map {
          x.convolution(
            weight: $0.weight.tensor(in: context), bias: $0.bias.tensor(in: context), starts: batch.starts)
        }
        return Tensor.concatenate(parts, axis: 1).applying(.relu)
      }
    }
    return stack(
      batch, layers: steps, names: names, dropoutRate: dropoutRate, capture: capture, recorder: recorder,
      in: context)
  }
}
