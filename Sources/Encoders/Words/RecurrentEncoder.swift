import Foundation
import Tensors
import Tokenization

/// A stack of bidirectional recurrent layers over word embeddings, the students of Tang and others (2019) and of
/// TextBrewer's BiGRU.
///
/// Its parameters are `embeddings.word_embeddings.weight` and, under `encoder`, those of `nn.GRU` or `nn.LSTM` with
/// `bidirectional=True` under their own names, such as `weight_ih_l0` and `bias_hh_l0_reverse`, and with their meaning.
struct RecurrentEncoder: Encoder {
  let words: Parameter
  private let cell: RecurrentCell
  private let layers: [[Direction]]
  private let names: ParameterNames
  private let dropoutRate: Float

  private struct Direction {
    let inputs: Parameter
    let hidden: Parameter
    let inputBias: Parameter
    let hiddenBias: Parameter

    func weights(in context: Context) -> RecurrentWeights {
      RecurrentWeights(
        inputs: LinearWeights(inputs.tensor(in: context), bias: inputBias.tensor(in: context)),
        hidden: LinearWeights(hidden.tensor(in: context), bias: hiddenBias.tensor(in: context)))
    }
  }

  /// Asks `scope` for the parameters; fresh ones start as PyTorch starts them.
  init(_ scope: ParameterScope, cell: RecurrentCell, config: EncoderConfig) {
    self.cell = cell
    words = wordTable(scope, config: config)
    let (hidden, list) = (config.hiddenSize, scope / config.architecture.names.layers)
    let initial = InitialValue.uniform(bound: 1 / sqrt(Float(hidden)))
    layers = (0..<config.layerCount).map { layer in
      let inputs = layer == 0 ? config.inputSize : 2 * hidden
      return ["l\(layer)", "l\(layer)_reverse"].map { ending in
        func parameter(_ name: String, _ shape: Shape) -> Parameter {
          list.parameter(name + "_" + ending, shape, initial: initial)
        }
        let width = cell.gateCount * hidden
        return Direction(
          inputs: parameter("weight_ih", [width, inputs]), hidden: parameter("weight_hh", [width, hidden]),
          inputBias: parameter("bias_ih", [width]), hiddenBias: parameter("bias_hh", [width]))
      }
    }
    names = config.architecture.names
    dropoutRate = config.hiddenDropout
  }

  func callAsFunction(
    _ batch: TokenBatch, firstRowsOnly: Bool, capture: Capture, recorder: IntermediateRecorder?,
    in context: Context
  ) -> EncoderOutput {
    let steps = layers.map { directions in
      let weights = directions.map { $0.weights(in: context) }
      return { (x: Tensor) in x.recurrent(cell: cell, weights: weights, starts: batch.starts) }
    }
    return stack(
      batch, layers: steps, names: names, dropoutRate: dropoutRate, capture: capture, recorder: recorder,
      in: context)
  }
}

/// The word table of an encoder without positions and segments; fresh values have `nn.Embedding`'s distribution N(0, 1).
func wordTable(_ scope: ParameterScope, config: EncoderConfig) -> Parameter {
  (scope / "embeddings" / "word_embeddings").parameter(
    "weight", [config.vocabularySize, config.inputSize], initial: .normal(standardDeviation: 1))
}
