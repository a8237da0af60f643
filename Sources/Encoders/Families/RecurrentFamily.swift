import Foundation
import Tensors
import Tokenization

extension EncoderArchitecture {
  /// Bidirectional gated recurrent units, PyTorch's `nn.GRU` over word embeddings.
  public static let bigru = EncoderArchitecture(
    RecurrentFamily(modelType: "bigru", className: "BiGRU", cell: .gru))
  /// Bidirectional long short-term memory, PyTorch's `nn.LSTM` over word embeddings.
  public static let bilstm = EncoderArchitecture(
    RecurrentFamily(modelType: "bilstm", className: "BiLSTM", cell: .lstm))
}

/// Bidirectional recurrent networks over word embeddings.
struct RecurrentFamily: WordFamily {
  let modelType: String
  let className: String
  /// Cell that runs from token to token.
  let cell: RecurrentCell

  /// The layers are one `nn.GRU` or `nn.LSTM`, whose parameters end with the layer's number.
  var layers: String { "encoder" }

  /// Configuration of one layer with TextBrewer's 768 units.
  var defaults: EncoderConfig { defaults(hiddenSize: 768) }
  var fields: [ConfigField] { fields() }

  func encoder(_ scope: ParameterScope, config: EncoderConfig) -> any Encoder {
    RecurrentEncoder(scope, family: self, config: config)
  }

  func outputSize(_ config: EncoderConfig) -> Int { 2 * config.hiddenSize }

  func parameterEstimate(_ config: EncoderConfig) -> Double {
    let hidden = Double(config.hiddenSize)
    // Two directions, each of which reads both of the layer below.
    return parameterEstimate(config, layer: 2 * Double(cell.gateCount) * hidden * (3 * hidden + 2))
  }

  var forms: [TaskHead: any HeadForm] {
    forms(
      sequence: SequenceHeadForm(
        inner: "classifier.dense", outer: "classifier.out_proj", activation: .relu, dropsInput: true,
        reads: .maximum))
  }

  var wordStudent: WordStudent? {
    WordStudent(name: className, hiddenSize: { $0.hiddenSize }, layerCount: { _ in 1 })
  }
}

/// A stack of bidirectional recurrent layers over word embeddings, the students of Tang and others (2019) and of
/// TextBrewer's BiGRU.
///
/// Its parameters are `embeddings.word_embeddings.weight` and, under `encoder`, those of `nn.GRU` or `nn.LSTM` with
/// `bidirectional=True` under their own names, such as `weight_ih_l0` and `bias_hh_l0_reverse`, and with their meaning.
struct RecurrentEncoder: Encoder {
  let wordTable: Parameter
  private let family: RecurrentFamily
  private let layers: [[Direction]]
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

  /// An encoder with its parameters from `scope`; fresh ones start as PyTorch starts them.
  init(_ scope: ParameterScope, family: RecurrentFamily, config: EncoderConfig) {
    self.family = family
    let cell = family.cell
    wordTable = makeWordTable(scope, config: config)
    let (hidden, list) = (config.hiddenSize, scope / family.layers)
    let initial = InitialValue.uniform(bound: 1 / sqrt(Float(hidden)))
    layers = (0..<config.layerCount).map { layer in
      let inputs = layer == 0 ? config.inputSize : 2 * hidden
      let list = list.inLayer(layer, of: config.layerCount)
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
    dropoutRate = config.hiddenDropout
  }

  func callAsFunction(_ batch: TokenBatch, firstRowsOnly: Bool, in context: Context) -> EncoderOutput {
    let cell = family.cell
    let steps = layers.map { directions in
      let weights = directions.map { $0.weights(in: context) }
      return { (x: Tensor) in x.recurrent(cell: cell, weights: weights, starts: batch.starts) }
    }
    return stack(batch, layers: steps, of: family, dropoutRate: dropoutRate, in: context)
  }
}
