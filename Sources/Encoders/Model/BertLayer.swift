import Kernels
import Tensors

/// One post-norm Transformer layer of BERT (Devlin and others 2019), under the names its architecture gives the parts.
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

  init(_ scope: ParameterScope, config: EncoderConfig) {
    self.config = config
    let hidden = config.hiddenSize
    func dense(_ scope: ParameterScope, _ inputs: Int, _ outputs: Int) -> LinearLayer {
      LinearLayer(scope, inputs: inputs, outputs: outputs, initializerRange: config.initializerRange)
    }
    func norm(_ scope: ParameterScope) -> LayerNormLayer {
      LayerNormLayer(scope, features: hidden, epsilon: config.layerNormEpsilon)
    }
    let names = config.architecture.names
    query = dense(scope / names.query, hidden, hidden)
    key = dense(scope / names.key, hidden, hidden)
    value = dense(scope / names.value, hidden, hidden)
    attentionOutput = dense(scope / names.attentionOutput, hidden, hidden)
    attentionNorm = norm(scope / names.attentionNorm)
    intermediate = dense(scope / names.intermediate, hidden, config.intermediateSize)
    output = dense(scope / names.output, config.intermediateSize, hidden)
    outputNorm = norm(scope / names.outputNorm)
  }

  /// The layer's output for every row, or for the first row of each sequence only: keys and values always come from
  /// all rows, everything after them is computed for the wanted rows.
  func callAsFunction(
    _ x: Tensor, starts: [Int32], firstRowsOnly: Bool, capture: Capture, capturesVectors: Bool,
    recorder: LayerRecorder?, in context: Context
  ) -> (output: Tensor, attention: AttentionResult?, vectors: SelfAttentionVectors?) {
    let wanted = firstRowsOnly ? x.rows(at: Array(starts.dropLast())) : x
    let queryStarts = firstRowsOnly ? (0..<Int32(starts.count)).map { $0 } : starts
    let (mixed, maps, vectors) = attend(
      x, wanted: wanted, starts: starts, queryStarts: queryStarts, capture: capture,
      capturesVectors: capturesVectors, recorder: recorder, in: context)
    let attended = attentionNorm(
      mixed, residual: wanted, dropout: config.attentionOutputDropout, starts: queryStarts, in: context)
    recorder?.keep(attended, as: recorder?.names.attendedModule)
    let fed = feed(attended, recorder: recorder, in: context)
    let result = outputNorm(
      fed, residual: attended, dropout: config.hiddenDropout, starts: queryStarts, in: context)
    recorder?.keep(fed, as: recorder?.names.output)
    recorder?.keep(result)
    return (result, maps, vectors)
  }

  /// The feed-forward half before its residual, in one operation unless somebody wants to see the wide rows.
  private func feed(_ x: Tensor, recorder: LayerRecorder?, in context: Context) -> Tensor {
    guard let recorder, recorder.wants(recorder.names.innerModule) else {
      return x.feedForward(
        inner: intermediate.weights(in: context), outer: output.weights(in: context),
        activation: config.activation)
    }
    let wide = intermediate(x, activation: config.activation, in: context)
    recorder.keep(wide, as: recorder.names.innerModule)
    return output(wide, in: context)
  }

  /// Self-attention with its output layer, and its maps and vectors where they were captured.
  private func attend(
    _ x: Tensor, wanted: Tensor, starts: [Int32], queryStarts: [Int32], capture: Capture,
    capturesVectors: Bool, recorder: LayerRecorder?, in context: Context
  ) -> (output: Tensor, maps: AttentionResult?, vectors: SelfAttentionVectors?) {
    let firstRowsOnly = wanted.storage !== x.storage
    let captures =
      capturesVectors || !capture.isDisjoint(with: [.attentionScores, .attentionProbabilities])
    if !captures, !(recorder?.wantsAttention ?? false),
      let mixed = x.thinSelfAttention(
        wanted: wanted, query: query.weights(in: context), key: key.weights(in: context),
        value: value.weights(in: context),
        output: attentionOutput.weights(in: context), heads: config.attentionHeads, starts: starts,
        queryStarts: queryStarts, in: context)
    {
      recorder?.keep(mixed, as: recorder?.names.attentionOutput)
      return (mixed, nil, nil)
    }
    let readers = firstRowsOnly && !capturesVectors ? [key, value] : [key, value, query]
    let projected = x.linear(readers.map { $0.weights(in: context) })
    let queries =
      switch (firstRowsOnly, capturesVectors) {
      case (false, _): projected[2]
      case (true, false): query(wanted, in: context)
      case (true, true): projected[2].rows(at: Array(starts.dropLast()))
      }
    let mixed = Tensor.attention(
      query: queries, key: projected[0], value: projected[1], heads: config.attentionHeads, starts: starts,
      queryStarts: queryStarts, dropout: config.attentionDropout,
      capturingScores: capture.isSuperset(of: .attentionScores),
      capturingProbabilities: capture.isSuperset(of: .attentionProbabilities), in: context)
    let output = attentionOutput(mixed.output, in: context)
    if let recorder {
      recorder.keep(queries, as: recorder.names.query)
      recorder.keep(projected[0], as: recorder.names.key)
      recorder.keep(projected[1], as: recorder.names.value)
      recorder.keep(mixed.output, as: recorder.names.mixedModule)
      recorder.keep(output, as: recorder.names.attentionOutput)
    }
    let vectors =
      capturesVectors
      ? SelfAttentionVectors(queries: projected[2], keys: projected[0], values: projected[1]) : nil
    return (output, mixed, vectors)
  }
}
