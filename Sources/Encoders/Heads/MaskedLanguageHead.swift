import ModelFormats
import Tensors
import Tokenization

/// The head of a masked language model in a family.
struct MaskedHeadForm: HeadForm {
  let transform: String
  let norm: String
  let bias: String
  /// The module whose weight is the word table, and whose bias is `bias`, under another name.
  let decoder: String
  /// The nonlinearity of the transform where it is not that of the layers.
  var activation: Activation?

  var modules: [String] { [transform, norm] }
  var output: String { transform }
  var logits: String { String(decoder.prefix { $0 != "." }) }

  func owns(_ name: String) -> Bool {
    name == bias || modules.contains { name.hasPrefix($0 + ".") }
  }

  /// Behind the transform there is no layer of its own, and no encoder alone has any part of it.
  func isTrained(with modules: Set<String>) -> Bool { !modules.isEmpty }

  func aliases(wordTable: String) -> [String: String] {
    [wordTable: decoder + ".weight", bias: decoder + ".bias"].filter { $0.key != $0.value }
  }

  func intermediates(_ config: EncoderConfig) -> [Intermediate] {
    [Intermediate(logits, width: config.vocabularySize, .answers)]
  }

  func width(_ config: EncoderConfig) -> Int { config.vocabularySize }

  func isOfWords(_ name: String) -> Bool { name == bias }

  func cut(of name: String, _ config: EncoderConfig) -> Cut {
    if name == bias { return Cut() }
    // Its rows are as wide as the word table.
    let isFactorised = (config.embeddingSize ?? config.hiddenSize) != config.hiddenSize
    let rows: Cut.Width? = isFactorised ? nil : .features
    return Cut(rows: rows, columns: name == transform + ".weight" ? .features : nil)
  }

  func head(_ scope: ParameterScope, wordTable: WordTable, config: EncoderConfig) -> any Head {
    MaskedLanguageHead(scope, wordTable: wordTable, form: self, config: config)
  }
}

/// From a token's last hidden state to a logit for every word: LayerNorm(f(x Wᵀ + b)) Eᵀ + c, where E is the word table
/// of the embeddings (Devlin and others 2019; tied as by Press and Wolf 2017).
struct MaskedLanguageHead: Head {
  private let transform: LinearLayer
  private let norm: LayerNormLayer
  private let wordTable: WordTable
  private let bias: Parameter
  private let activation: Activation

  /// A head with its parameters at the root of the names; `wordTable` is the encoder's word table.
  init(_ scope: ParameterScope, wordTable: WordTable, form: MaskedHeadForm, config: EncoderConfig) {
    self.wordTable = wordTable
    let features = wordTable.shape.lastDimension
    transform = LinearLayer(
      scope / form.transform, inputs: config.hiddenSize, outputs: features,
      initializerRange: config.initializerRange)
    norm = LayerNormLayer(scope / form.norm, features: features, epsilon: config.layerNormEpsilon)
    bias = scope.parameter(form.bias, [config.vocabularySize], initial: .zeros)
    activation = form.activation ?? config.activation
  }

  /// The logits [rows, vocabulary] of rows of the last hidden state.
  func callAsFunction(_ rows: Tensor, in context: Context) -> Tensor {
    // A batch may hold no masked token.
    guard rows.shape[0] > 0 else { return Tensor([], shape: [0, bias.count]) }
    let transformed = norm(transform(rows, activation: activation, in: context), in: context)
    return wordTable.products(with: transformed, bias: bias.tensor(in: context), in: context)
  }

  func answer(
    _ output: EncoderOutput, _ batch: TokenBatch, rows: [Int32]?, in context: Context
  ) -> ModelOutput {
    ModelOutput(logits: self(output.rows(rows), in: context), pooled: nil, encoder: output)
  }

  func addOutputs(_ states: GraphValue, _ tokens: GraphTokens, to graph: ONNXGraph) {
    let rows = norm(transform(states, activation: activation, in: graph), in: graph)
    graph.output(
      "logits", graph.add(wordTable.products(with: rows, in: graph), graph.value(bias)),
      [.batch, .sequence, .fixed(bias.count)])
  }
}
