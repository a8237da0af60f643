/// A value inside a model, under the name of the module that computes it in `transformers`, such as
/// `encoder.layer.3.attention.output`.
///
/// The list for a configuration is `EncoderConfig.intermediates`; `TaskModel` gives the values that are asked for.
public struct Intermediate: Sendable, Equatable {
  /// What a value has rows of.
  public enum Rows: Sendable {
    /// A row for each token of the batch, [T, width].
    case tokens
    /// A row for each sequence, [B, width].
    case sequences
    /// A row for each token that a head answered: every one, or those it was asked for, [rows, width].
    case answers
  }

  /// The module's name, without the encoder's own (`bert.`).
  public let name: String
  /// The values of a row.
  public let width: Int
  /// What the value has rows of.
  public let rows: Rows

  init(_ name: String, width: Int, _ rows: Rows = .tokens) {
    (self.name, self.width, self.rows) = (name, width, rows)
  }
}

extension EncoderConfig {
  /// Every value that a model of this configuration gives by name, in the order in which it is computed.
  ///
  /// `embeddings` (in ELECTRA `embeddings_project` too); of each layer its own name, its queries, keys and values, what
  /// attention mixed, its two halves before and after their normalisation; and of the head BERT's `pooler` (after tanh)
  /// and the logits. An encoder that is no Transformer gives its layers alone.
  public var intermediates: [Intermediate] {
    let names = architecture.names
    var list = [Intermediate("embeddings", width: embeddingSize ?? hiddenSize)]
    if (embeddingSize ?? hiddenSize) != inputSize {
      list.append(Intermediate("embeddings_project", width: hiddenSize))
    }
    for index in 0..<layerCount {
      let layer = names.layerModule(index)
      guard architecture.isTransformer else {
        list.append(Intermediate(layer, width: outputSize))
        continue
      }
      for part in [names.query, names.key, names.value, names.mixedModule, names.attentionOutput].compactMap({
        $0
      })
        + [names.attendedModule]
      {
        list.append(Intermediate(layer + "." + part, width: hiddenSize))
      }
      if let inner = names.innerModule {
        list.append(Intermediate(layer + "." + inner, width: intermediateSize))
      }
      list.append(Intermediate(layer + "." + names.output, width: hiddenSize))
      list.append(Intermediate(layer, width: hiddenSize))
    }
    let logits = names.logitsModule(of: head)
    switch head {
    case .sequenceClassification:
      if let pooler = names.poolerModule {
        list.append(Intermediate(pooler, width: hiddenSize, .sequences))
      }
      list.append(Intermediate(logits, width: labels.count, .sequences))
    case .tokenClassification, .questionAnswering:
      list.append(Intermediate(logits, width: labels.count, .answers))
    case .maskedLanguageModel:
      list.append(Intermediate(logits, width: vocabularySize, .answers))
    }
    return list
  }
}

extension EncoderConfig {
  /// What the full names of the encoder's modules begin with, such as `bert.`.
  package var modulePrefix: String { architecture.names.encoder + "." }
}

/// The modules of `transformers` whose outputs have no parameters of their own.
extension ParameterNames {
  /// A layer.
  func layerModule(_ index: Int) -> String { "\(layers).\(index)" }

  /// What attention mixed, before its linear layer; nil where no module gives it alone.
  var mixedModule: String? { parent(of: query, named: ".query") }

  /// The attention half, normalised.
  var attendedModule: String { parent(of: attentionNorm, named: ".LayerNorm") ?? attentionNorm }

  /// The wide rows of the feed-forward half behind their nonlinearity; nil where no module gives them.
  var innerModule: String? { parent(of: intermediate, named: ".dense") }

  /// The first layer of a sequence head with its nonlinearity; nil where no module gives both.
  var poolerModule: String? { parent(of: headInner, named: ".dense") == "bert.pooler" ? "pooler" : nil }

  /// What gives a head's logits.
  func logitsModule(of head: TaskHead) -> String {
    switch head {
    case .sequenceClassification, .tokenClassification: "classifier"
    case .questionAnswering: output(of: head)
    case .maskedLanguageModel: String(masked.decoder.prefix { $0 != "." })
    }
  }

  private func parent(of name: String, named suffix: String) -> String? {
    name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : nil
  }
}
