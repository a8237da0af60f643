import Foundation
import Kernels
import ModelFormats
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

  func callAsFunction(_ tokens: GraphTokens, in graph: ONNXGraph) -> GraphValue {
    let rows = graph.rows(of: wordTable, at: tokens.ids)
    let lengths = tokens.lengths(in: graph)
    let last = layers.reduce(graph.transpose(rows, [1, 0, 2])) { x, directions in
      // [positions, batch, features] goes in, and [positions, 2, batch, hidden] comes out.
      let states = layer(directions, x, lengths: lengths, in: graph)
      let size = directions[0].hidden.shape.lastDimension
      return graph.reshape(graph.transpose(states, [0, 2, 1, 3]), [0, 0, 2 * size])
    }
    return graph.transpose(last, [1, 0, 2])
  }

  private func layer(
    _ directions: [Direction], _ x: GraphValue, lengths: GraphValue, in graph: ONNXGraph
  ) -> GraphValue {
    let (order, size) = (family.cell.gatesInGraphs, directions[0].hidden.shape.lastDimension)
    /// Gates of a parameter in the order of graphs.
    func gates(_ parameter: Parameter) -> [Storage] {
      let count = parameter.count / order.count
      return order.map { parameter.storage.slice($0 * count, count) }
    }
    func stack(_ parameters: [[Parameter]], columns: [Int]) -> GraphValue {
      graph.tensor(
        parameters[0].map(\.name).joined(separator: "+"),
        shape: [directions.count, parameters[0].count * order.count * size] + columns,
        parts: parameters.flatMap { $0.flatMap(gates) })
    }
    return graph.recurrent(
      family.cell.operationInGraphs, x,
      inputs: stack(directions.map { [$0.inputs] }, columns: [directions[0].inputs.shape.lastDimension]),
      hidden: stack(directions.map { [$0.hidden] }, columns: [size]),
      bias: stack(directions.map { [$0.inputBias, $0.hiddenBias] }, columns: []),
      lengths: lengths, size: size, family.cell.attributesInGraphs)
  }
}

extension RecurrentCell {
  /// Name of the operator.
  fileprivate var operationInGraphs: String {
    switch self {
    case .gru: "GRU"
    case .lstm: "LSTM"
    }
  }

  /// Places here of the gates in the operator's order: of a GRU update, reset and new, of an LSTM input, output, forget
  /// and cell.
  fileprivate var gatesInGraphs: [Int] {
    switch self {
    case .gru: [1, 0, 2]
    case .lstm: [0, 3, 1, 2]
    }
  }

  /// Further attributes of the operator: the reset gate acts behind the product.
  fileprivate var attributesInGraphs: [String: ONNXGraph.Attribute] {
    switch self {
    case .gru: ["linear_before_reset": .integer(1)]
    case .lstm: [:]
    }
  }
}
