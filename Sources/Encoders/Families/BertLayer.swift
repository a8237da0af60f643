import Kernels
import ModelFormats
import Tensors

/// Transformer layer of BERT, post-norm (Devlin and others 2019), under the names its family gives the parts.
struct BertLayer {
  let query: LinearLayer
  let key: LinearLayer
  let value: LinearLayer
  let attentionOutput: LinearLayer
  let attentionNorm: LayerNormLayer
  let intermediate: LinearLayer
  let output: LinearLayer
  let outputNorm: LayerNormLayer
  let config: EncoderConfig
  /// Heads of the attention.
  private let heads: Int
  /// The names under which the layer and its parts are tapped.
  private let name: String
  private let taps: BertLayerNames
  /// Dropout of what attention adds to the layer's input.
  private let attentionOutputDropout: Float

  init(_ scope: ParameterScope, number: Int, config: EncoderConfig, family: BertFamily) {
    (self.config, name) = (config, family.layerName(number))
    heads = config.heads(inLayer: number)
    let names = family.layerNames
    taps = names.inLayer(name)
    attentionOutputDropout = family.dropsAttentionOutput ? config.hiddenDropout : 0
    let (hidden, width) = (config.hiddenSize, config.attentionWidth(inLayer: number))
    let neurons = config.intermediateSize(inLayer: number)
    func dense(_ scope: ParameterScope, _ inputs: Int, _ outputs: Int) -> LinearLayer {
      LinearLayer(scope, inputs: inputs, outputs: outputs, initializerRange: config.initializerRange)
    }
    func norm(_ scope: ParameterScope) -> LayerNormLayer {
      LayerNormLayer(scope, features: hidden, epsilon: config.layerNormEpsilon)
    }
    query = dense(scope / names.query, hidden, width)
    key = dense(scope / names.key, hidden, width)
    value = dense(scope / names.value, hidden, width)
    attentionOutput = dense(scope / names.attentionOutput, width, hidden)
    attentionNorm = norm(scope / names.attentionNorm)
    intermediate = dense(scope / names.intermediate, hidden, neurons)
    output = dense(scope / names.output, neurons, hidden)
    outputNorm = norm(scope / names.outputNorm)
  }

  /// Whether some value is wanted that the layer has for the first row of each sequence only unless it is told otherwise.
  func wantsEveryRow(in context: Context) -> Bool {
    context.taps?.wants(anyOf: [name] + taps.trimmedParts) ?? false
  }

  /// The layer's output for every row, or for the first row of each sequence only: keys and values always come from
  /// all rows, everything after them is computed for the wanted rows.
  func callAsFunction(
    _ x: Tensor, starts: [Int32], firstRowsOnly: Bool, in context: Context
  ) -> Tensor {
    let wanted = firstRowsOnly ? x.rows(at: Array(starts.dropLast())) : x
    let queryStarts = firstRowsOnly ? (0..<Int32(starts.count)).map { $0 } : starts
    let mixed = attend(x, wanted: wanted, starts: starts, queryStarts: queryStarts, in: context)
    let attended = attentionNorm(
      mixed, residual: wanted, dropout: attentionOutputDropout, starts: queryStarts, in: context)
    context.taps?.keep(attended, as: taps.attendedModule)
    let fed = feed(attended, in: context)
    let result = outputNorm(
      fed, residual: attended, dropout: config.hiddenDropout, starts: queryStarts, in: context)
    context.taps?.keep(fed, as: taps.output)
    context.taps?.keep(result, as: name)
    return result
  }

  /// Passes rows by, as a closed layer does: they are its output.
  func pass(_ x: Tensor, in context: Context) { context.taps?.keep(x, as: name) }

  /// The feed-forward half before its residual, in one operation unless somebody wants to see the wide rows.
  private func feed(_ x: Tensor, in context: Context) -> Tensor {
    guard let tapped = context.taps, tapped.wants(taps.inner) else {
      return x.feedForward(
        inner: intermediate.weights(in: context), outer: output.weights(in: context),
        activation: config.activation)
    }
    let wide = intermediate(x, activation: config.activation, in: context)
    tapped.keep(wide, as: taps.inner)
    return output(wide, in: context)
  }

  /// Self-attention with its output layer, step by step where a step is wanted.
  private func attend(
    _ x: Tensor, wanted: Tensor, starts: [Int32], queryStarts: [Int32], in context: Context
  ) -> Tensor {
    let tapped = context.taps
    // That operation has as many features between its layers as around them.
    if heads == config.attentionHeads, !(tapped?.wants(anyOf: taps.attentionSteps) ?? false),
      let mixed = x.thinSelfAttention(
        wanted: wanted, query: query.weights(in: context), key: key.weights(in: context),
        value: value.weights(in: context), output: attentionOutput.weights(in: context),
        heads: heads, starts: starts, queryStarts: queryStarts, in: context)
    {
      tapped?.keep(mixed, as: taps.attentionOutput)
      return mixed
    }
    let firstRowsOnly = wanted.storage !== x.storage
    // Queries that somebody wants are those of every row.
    let wantsQueries = tapped?.wants(taps.query) ?? false
    let readers = firstRowsOnly && !wantsQueries ? [key, value] : [key, value, query]
    let projected = x.linear(readers.map { $0.weights(in: context) })
    let queries =
      switch (firstRowsOnly, wantsQueries) {
      case (false, _): projected[2]
      case (true, false): query(wanted, in: context)
      case (true, true): projected[2].rows(at: Array(starts.dropLast()))
      }
    let mixed = Tensor.attention(
      query: queries, key: projected[0], value: projected[1], heads: heads, starts: starts,
      queryStarts: queryStarts, dropout: config.attentionDropout,
      capturingScores: tapped?.wants(taps.scores) ?? false,
      capturingProbabilities: tapped?.wants(taps.probabilities) ?? false, in: context)
    let output = attentionOutput(mixed.output, in: context)
    if let tapped {
      if wantsQueries { tapped.keep(projected[2], as: taps.query) }
      tapped.keep(projected[0], as: taps.key)
      tapped.keep(projected[1], as: taps.value)
      tapped.keep(mixed.scores, as: taps.scores)
      tapped.keep(mixed.probabilities, as: taps.probabilities)
      tapped.keep(mixed.output, as: taps.mixed)
      tapped.keep(output, as: taps.attentionOutput)
    }
    return output
  }
}

extension BertLayer {
  /// The layer's output in a graph, [batch, sequence, hidden].
  ///
  /// - Parameter bias: Term of the scores that hides padding, [batch, 1, 1, sequence].
  func callAsFunction(_ x: GraphValue, bias: GraphValue, in graph: ONNXGraph) -> GraphValue {
    let width = config.headSize
    func split(_ layer: LinearLayer, _ order: [Int]) -> GraphValue {
      graph.transpose(graph.reshape(layer(x, in: graph), [0, 0, heads, width]), order)
    }
    let products = graph.matMul(split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1]))
    let scores = graph.divide(products, graph.constant(Float(width).squareRoot()))
    let mixed = graph.matMul(graph.softmax(graph.add(scores, bias)), split(value, [0, 2, 1, 3]))
    let joined = graph.reshape(graph.transpose(mixed, [0, 2, 1, 3]), [0, 0, heads * width])
    let attended = attentionNorm(graph.add(attentionOutput(joined, in: graph), x), in: graph)
    let wide = intermediate(attended, activation: config.activation, in: graph)
    return outputNorm(graph.add(output(wide, in: graph), attended), in: graph)
  }
}
