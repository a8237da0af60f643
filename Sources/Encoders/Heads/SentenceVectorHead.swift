import ModelFormats
import Tensors
import Tokenization

/// Form of the head without parameters that gives the vectors of two sentences, as `Pooling` of sentence-transformers does.
///
/// `pooling` in `config.json` says what stands for a sentence: `mean`, the mean of its last hidden states, which
/// sentence-transformers takes for a folder that says nothing, or `cls`, the first of them. A saved folder is that of the
/// bare encoder, such as `BertModel`.
struct SentenceVectorForm: HeadForm {
  /// The key of the pooling in `config.json`.
  fileprivate static let key = "pooling"

  var modules: [String] { [] }
  var output: String { "sentence_embedding" }
  var logits: String { "sentence_pair" }
  var pooler: String? { "sentence_embedding" }

  func intermediates(_ config: EncoderConfig) -> [Intermediate] {
    [Intermediate("sentence_embedding", width: config.outputSize, .sequences)]
  }

  func cut(of name: String, _ config: EncoderConfig) -> Cut { Cut() }
  func width(_ config: EncoderConfig) -> Int { 2 * config.outputSize }
  func isStored(in object: JSONObject) -> Bool { object[Self.key] != nil }

  func write(to object: inout JSONObject) {
    if object[Self.key] == nil { object[Self.key] = .string("mean") }
  }

  func check(_ config: EncoderConfig, _ faults: inout ConfigFaults) {
    let name = config.original[Self.key]?.stringValue ?? "mean"
    faults.require(["mean", "cls"].contains(name), Self.key, "found \"\(name)\", expected mean or cls")
  }

  func head(_ scope: ParameterScope, wordTable: WordTable, config: EncoderConfig) -> any Head {
    SentenceVectorHead(takesFirst: config.poolsFirstToken, features: config.outputSize)
  }
}

extension EncoderConfig {
  /// Whether a sentence's vector is that of its first token, rather than the mean of all.
  package var poolsFirstToken: Bool { original[SentenceVectorForm.key] == "cls" }
}

/// Head that pools each sequence to a vector and lays those of two neighbours side by side.
struct SentenceVectorHead: Head {
  /// Whether the first row stands for a sequence, rather than the mean of all.
  let takesFirst: Bool
  /// Features of a row.
  let features: Int

  func answer(
    _ output: EncoderOutput, _ batch: TokenBatch, rows: [Int32]?, in context: Context
  ) -> ModelOutput {
    precondition(
      batch.count.isMultiple(of: 2), "Sentences are compared in pairs, found \(batch.count) of them.")
    let last = output.lastHiddenState
    let vectors =
      takesFirst
      ? last.rows(at: Array(batch.starts.dropLast()))
      : Tensor.concatenate(
        (0..<batch.count).map { last.rows(batch.rows(of: $0)).mean(axis: 0, keepsDimension: true) })
    return ModelOutput(
      logits: vectors.reshaped([batch.count / 2, 2 * vectors.shape.lastDimension]), pooled: vectors,
      encoder: output)
  }

  func addOutputs(_ states: GraphValue, _ tokens: GraphTokens, to graph: ONNXGraph) {
    graph.output("last_hidden_state", states, [.batch, .sequence, .fixed(features)])
    let vectors = takesFirst ? tokens.first(states, in: graph) : tokens.mean(states, in: graph)
    graph.output("sentence_embedding", vectors, [.batch, .fixed(features)])
  }
}
