import ModelFormats

/// How `transformers` (version 5) makes a tokenizer of a folder, by the class that its files name.
enum PythonTokenizerClass: Equatable {
  /// `BertTokenizer`: takes vocabulary and added tokens of `tokenizer.json`, everything else of `tokenizer_config.json`.
  case bert
  /// `RobertaTokenizer`: takes vocabulary, merges and added tokens of `tokenizer.json`, everything else of
  /// `tokenizer_config.json`.
  case roberta
  /// `GPT2Tokenizer`: as `roberta`, but the post-processor of `tokenizer.json` counts.
  case gpt2
  /// `PreTrainedTokenizerFast`: takes `tokenizer.json` as it is.
  case plain

  /// The class for a folder.
  ///
  /// - Parameters:
  ///   - configuration: `tokenizer_config.json`.
  ///   - model: `config.json`; empty where there is none.
  init(configuration: JSONObject, model: JSONObject) {
    let named = configuration["tokenizer_class"]?.stringValue ?? model["tokenizer_class"]?.stringValue
    guard var name = named else {
      switch model["model_type"]?.stringValue {
      case "bert", "distilbert", "electra": self = .bert
      case "roberta": self = .roberta
      default: self = .plain
      }
      return
    }
    if name.hasSuffix("Fast") { name.removeLast(4) }
    if Self.likeBert.contains(name) {
      self = .bert
    } else if Self.likeRoberta.contains(name) {
      self = .roberta
    } else {
      self = name == "GPT2Tokenizer" ? .gpt2 : .plain
    }
  }

  /// The classes that are `BertTokenizer` or inherit from it unchanged.
  private static let likeBert: Set<String> = [
    "BertTokenizer", "ConvBertTokenizer", "DPRContextEncoderTokenizer", "DPRQuestionEncoderTokenizer",
    "DistilBertTokenizer", "ElectraTokenizer", "LayoutLMTokenizer", "LxmertTokenizer", "MobileBertTokenizer",
    "SqueezeBertTokenizer",
  ]
  /// The classes that are `RobertaTokenizer`.
  private static let likeRoberta: Set<String> = [
    "RobertaTokenizer", "BartTokenizer", "LEDTokenizer", "LongformerTokenizer", "MvpTokenizer",
  ]
}
