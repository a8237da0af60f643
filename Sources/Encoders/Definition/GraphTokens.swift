import Kernels
import ModelFormats
import Tensors

/// Value in the graph of a model that other programs run.
typealias GraphValue = ONNXGraph.Value

/// Tokens that come into a graph, with what several parts of a model make of their padding.
struct GraphTokens {
  /// Ids, [batch, sequence].
  let ids: GraphValue
  /// Segments, [batch, sequence]; nil of a model that does not tell them apart.
  let segments: GraphValue?
  /// 1 for a token and 0 for padding, [batch, sequence].
  private let mask: GraphValue

  /// Tokens as inputs of a graph.
  init(of graph: ONNXGraph, hasSegments: Bool) {
    func input(_ name: String) -> GraphValue { graph.input(name, .int64, [.batch, .sequence]) }
    ids = input("input_ids")
    mask = input("attention_mask")
    segments = hasSegments ? input("token_type_ids") : nil
  }

  /// Number that stands for minus infinity, as in `transformers`: its sum with a score is finite.
  private static let lowest = -Float.greatestFiniteMagnitude

  /// 1 for a token and 0 for padding, Float32, [batch, sequence, 1].
  func presence(in graph: ONNXGraph) -> GraphValue { graph.cast(graph.unsqueeze(mask, at: [2]), to: .float) }

  /// The tokens of each sequence, Int32, [batch].
  func lengths(in graph: ONNXGraph) -> GraphValue { graph.cast(graph.sum(mask, axis: 1), to: .int32) }

  /// Term of the scores of attention, 0 for a token and very low for padding, [batch, 1, 1, sequence].
  func attentionBias(in graph: ONNXGraph) -> GraphValue {
    let presence = graph.cast(graph.unsqueeze(graph.unsqueeze(mask, at: [1]), at: [2]), to: .float)
    return graph.multiply(graph.subtract(graph.constant(1), presence), graph.constant(Self.lowest))
  }

  /// The largest of each column among the tokens of each sequence, [batch, features].
  func largest(_ x: GraphValue, in graph: ONNXGraph) -> GraphValue {
    let isToken = graph.cast(graph.unsqueeze(mask, at: [2]), to: .bool)
    return graph.largest(graph.choose(isToken, x, graph.constant(Self.lowest)), axis: 1)
  }

  /// The mean of the rows of the tokens of each sequence, [batch, features].
  func mean(_ x: GraphValue, in graph: ONNXGraph) -> GraphValue {
    let presence = presence(in: graph)
    // A sequence of padding alone is nothing that could be divided by.
    let count = graph.maximum(graph.sum(presence, axis: 1), graph.constant(1e-9))
    return graph.divide(graph.sum(graph.multiply(x, presence), axis: 1), count)
  }

  /// The first row of each sequence, [batch, features].
  func first(_ x: GraphValue, in graph: ONNXGraph) -> GraphValue {
    graph.gather(x, at: graph.integer(0), axis: 1)
  }
}

extension ONNXGraph.Extent {
  /// The sequences of a batch.
  static let batch = Self.named("batch_size")
  /// The length of its sequences with padding.
  static let sequence = Self.named("sequence_length")
}

// MARK: Parameters and layers

extension ONNXGraph {
  /// The values of a parameter, under its name.
  func value(_ parameter: Parameter) -> GraphValue {
    tensor(parameter.name, shape: parameter.shape.dimensions, parts: [parameter.storage])
  }

  /// Rows of a table of embeddings; of one in 8-bit integers each with its own scale.
  func rows(of table: Parameter, at indices: GraphValue) -> GraphValue {
    guard let matrix = table.quantized else { return gather(value(table), at: indices) }
    let integers = gather(tensor(table.name + "_quantized", matrix), at: indices)
    let scales = tensor(table.name + "_scale", shape: [matrix.rows, 1], parts: [matrix.scales])
    return multiply(cast(integers, to: .float), gather(scales, at: indices))
  }

  /// x Wᵀ for a weight that is stored as its transpose, as matrix products of other programs want it.
  ///
  /// One in 8-bit integers is multiplied by rows that are quantised together as they come, the form that ONNX Runtime has kernels
  /// for; Potstill quantises each row by its own range.
  fileprivate func product(_ x: GraphValue, _ weight: Parameter) -> GraphValue {
    guard let matrix = weight.quantized else {
      return matMul(
        x,
        transposedTensor(weight.name + ".transposed", shape: weight.shape.dimensions, weight.storage))
    }
    let rows = dynamicallyQuantized(x)
    let sums = integerProduct(
      rows.integers, zero: rows.zero, transposedTensor(weight.name + ".transposed_quantized", matrix))
    let scales = tensor(weight.name + "_scale", shape: [matrix.rows], parts: [matrix.scales])
    return multiply(cast(sums, to: .float), multiply(rows.scale, scales))
  }

  /// f(x).
  func apply(_ activation: Activation, to x: GraphValue) -> GraphValue {
    switch activation {
    case .identity: x
    case .gelu:
      multiply(multiply(x, add(erf(divide(x, constant(Float(2).squareRoot()))), constant(1))), constant(0.5))
    case .geluNew: geluNew(x)
    case .relu: relu(x)
    case .tanh: tanh(x)
    case .silu: multiply(x, sigmoid(x))
    case .sigmoid: sigmoid(x)
    case .quickGelu: multiply(x, sigmoid(multiply(x, constant(1.702))))
    case .mish: multiply(x, tanh(softplus(x)))
    }
  }

  /// x / 2 (1 + tanh(√(2/π) (x + 0.044715 x³))).
  private func geluNew(_ x: GraphValue) -> GraphValue {
    let cube = multiply(power(x, constant(3)), constant(0.044715))
    let inner = multiply(add(x, cube), constant((2 / Float.pi).squareRoot()))
    return multiply(multiply(x, constant(0.5)), add(tanh(inner), constant(1)))
  }
}

extension LinearLayer {
  /// f(x Wᵀ + b).
  func callAsFunction(_ x: GraphValue, activation: Activation = .identity, in graph: ONNXGraph) -> GraphValue
  {
    let product = weight.parameters.reduce(x) { graph.product($0, $1) }
    return graph.apply(activation, to: graph.add(product, graph.value(bias)))
  }
}

extension LayerNormLayer {
  /// LayerNorm(x).
  func callAsFunction(_ x: GraphValue, in graph: ONNXGraph) -> GraphValue {
    graph.layerNormalization(x, scale: graph.value(gamma), shift: graph.value(beta), epsilon: epsilon)
  }
}

extension WordTable {
  /// Rows of the tokens of a graph, [batch, sequence, features].
  func rows(of ids: GraphValue, in graph: ONNXGraph) -> GraphValue {
    switch weight {
    case .whole(let table): graph.rows(of: table, at: ids)
    case .factors(let narrow, let up): graph.product(graph.rows(of: narrow, at: ids), up)
    }
  }

  /// The products of rows of a graph with every word; the table is there once, and turned when the graph is loaded.
  func products(with rows: GraphValue, in graph: ONNXGraph) -> GraphValue {
    func turned(_ parameter: Parameter) -> GraphValue { graph.transpose(graph.value(parameter), [1, 0]) }
    switch weight {
    case .whole(let table): return graph.matMul(rows, turned(table))
    case .factors(let narrow, let up):
      return graph.matMul(graph.matMul(rows, graph.value(up)), turned(narrow))
    }
  }
}
