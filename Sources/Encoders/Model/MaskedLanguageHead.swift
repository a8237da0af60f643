import Tensors

/// From a token's last hidden state to a logit for every word: LayerNorm(f(x Wᵀ + b)) Eᵀ + c, where E is the word table
/// of the embeddings (Devlin and others 2019; tied as by Press and Wolf 2017).
struct MaskedLanguageHead {
  private let transform: LinearLayer
  private let norm: LayerNormLayer
  private let words: Parameter
  private let bias: Parameter
  private let activation: Activation

  /// Asks for the head's parameters at the root of the names; `words` is the encoder's word table.
  init(_ scope: ParameterScope, words: Parameter, config: EncoderConfig) {
    self.words = words
    let (names, features) = (config.architecture.names.masked, words.shape.lastDimension)
    transform = LinearLayer(
      scope / names.transform, inputs: config.hiddenSize, outputs: features,
      initializerRange: config.initializerRange)
    norm = LayerNormLayer(scope / names.norm, features: features, epsilon: config.layerNormEpsilon)
    bias = scope.parameter(names.bias, [config.vocabularySize], initial: .zeros)
    activation = config.architecture.transformActivation ?? config.activation
  }

  /// The logits [rows, vocabulary] of rows of the last hidden state.
  func callAsFunction(_ rows: Tensor, in context: Context) -> Tensor {
    // A batch may hold no masked token.
    guard rows.shape[0] > 0 else { return Tensor([], shape: [0, bias.count]) }
    let transformed = norm(transform(rows, activation: activation, in: context), in: context)
    return transformed.linear(LinearWeights(words.tensor(in: context), bias: bias.tensor(in: context)))
  }
}
