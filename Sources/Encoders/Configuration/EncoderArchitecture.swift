import Tensors

/// The encoders that Potstill knows, under their `model_type` in `config.json`.
///
/// The first are the post-norm Transformer of BERT; they differ in the names of their parameters and configuration fields,
/// in what their embeddings add up and in their heads. The others read word embeddings without positions or segments, and
/// `transformers` does not know them.
public enum EncoderArchitecture: String, Sendable, CaseIterable {
  /// BERT (Devlin and others 2019), whole-word variants such as RoBERTa-wwm-ext and RBT3 included.
  case bert
  /// RoBERTa (Liu and others 2019): positions count from behind the padding token's row, texts of a pair share a segment.
  case roberta
  /// XLM-RoBERTa (Conneau and others 2020): RoBERTa with another vocabulary.
  case xlmRoberta = "xlm-roberta"
  /// ELECTRA (Clark and others 2020), discriminators and generators: embeddings may be narrower than the layers.
  case electra
  /// DistilBERT (Sanh and others 2019): no segments, no dropout behind attention.
  case distilbert
  /// Bidirectional gated recurrent units, PyTorch's `nn.GRU` over word embeddings.
  case bigru
  /// Bidirectional long short-term memory, PyTorch's `nn.LSTM` over word embeddings.
  case bilstm
  /// Convolutions of several widths side by side over word embeddings (Kim 2014).
  case textcnn

  /// What the classes of `transformers` start with.
  var className: String {
    switch self {
    case .bert: "Bert"
    case .roberta: "Roberta"
    case .xlmRoberta: "XLMRoberta"
    case .electra: "Electra"
    case .distilbert: "DistilBert"
    case .bigru: "BiGRU"
    case .bilstm: "BiLSTM"
    case .textcnn: "TextCNN"
    }
  }

  /// Whether it is a Transformer of BERT's shape.
  public var isTransformer: Bool { recurrentCell == nil && self != .textcnn }

  /// What runs from token to token; nil in an encoder without recurrence.
  public var recurrentCell: RecurrentCell? {
    switch self {
    case .bigru: .gru
    case .bilstm: .lstm
    default: nil
    }
  }

  /// Whether the embeddings tell the texts of a pair apart.
  package var readsSegments: Bool { self == .bert || self == .electra }

  /// Whether `embedding_size` is a field of its own.
  var namesEmbeddingSize: Bool { self == .electra || !isTransformer }

  /// Whether positions count from behind the padding token's row.
  var skipsPaddingPosition: Bool { self == .roberta || self == .xlmRoberta }

  /// The names of the parameters.
  var names: ParameterNames {
    switch self {
    case .bert: .bert
    case .roberta, .xlmRoberta: .roberta
    case .electra: .electra
    case .distilbert: .distilbert
    case .bigru, .bilstm: .recurrent(rawValue)
    case .textcnn: .convolutional(rawValue)
    }
  }

  /// The names of the fields in `config.json`.
  var fields: ConfigFieldNames { self == .distilbert ? .distilbert : ConfigFieldNames() }

  /// The nonlinearity between the two layers of the classification head.
  var headActivation: Activation {
    switch self {
    case .bert, .roberta, .xlmRoberta: .tanh
    case .electra: .gelu
    case .distilbert, .bigru, .bilstm, .textcnn: .relu
    }
  }

  /// Whether dropout comes before the classification head's first layer too.
  var dropsHeadInput: Bool { self != .bert && self != .distilbert && self != .textcnn }

  /// The nonlinearity in the head of a masked language model where it is not that of the layers.
  var transformActivation: Activation? { self == .bert || self == .distilbert ? nil : .gelu }
}
