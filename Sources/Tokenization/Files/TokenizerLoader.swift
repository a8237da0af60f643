import Foundation
import ModelFormats

/// Loads the tokenizer of a Hugging Face model folder, of whichever kind it is.
///
/// `tokenizer.json` decides by the type of its model; without it `vocab.json` with `merges.txt` is byte-level BPE,
/// `vocab.txt` is BERT's, and a `.model` file is SentencePiece's.
///
/// - Throws: `TokenizerError`, naming the file and the field or component.
public func loadTokenizer(directory: URL) throws(TokenizerError) -> any Tokenizer {
  func has(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: directory.appending(path: name).path)
  }
  if !FileManager.default.fileExists(atPath: directory.path) {
    throw .format(.cannotRead(file: directory.path, reason: "there is no such folder"))
  }
  if let reader = try TokenizerFileReader(directory: directory) {
    let configuration = try TokenizerConfiguration(directory)
    switch try reader.model() {
    case .wordPiece: return try BertTokenizer(consume reader, configuration)
    case .bytePair:
      if reader.spellsBytes || [.roberta, .gpt2].contains(configuration.pythonClass) {
        return try ByteLevelBPETokenizer(consume reader, configuration)
      }
      return try SentencePieceTokenizer(consume reader, configuration)
    case .unigram: return try SentencePieceTokenizer(consume reader, configuration)
    case nil:
      throw .unsupported(
        file: reader.file, component: "model", type: try reader.modelType(),
        supported: "WordPiece, BPE, Unigram")
    }
  }
  if has("vocab.json"), has("merges.txt") || !has("vocab.txt") {
    return try ByteLevelBPETokenizer(directory: directory)
  }
  if !has("vocab.txt") {
    let configuration = try TokenizerConfiguration(directory)
    if let folder = try SentencePieceFolder(directory, configuration) {
      return try SentencePieceTokenizer(
        TokenizerFileReader(file: folder.file, document: folder.document, pieces: folder.pieces),
        TokenizerConfiguration(configuration, naming: folder.specialTokens))
    }
  }
  return try BertTokenizer(directory: directory)
}

/// Class of `transformers` (version 5) that makes a folder's tokenizer, as its files name it.
enum PythonTokenizerClass: Equatable {
  /// `BertTokenizer`: takes vocabulary and added tokens of `tokenizer.json`, everything else of `tokenizer_config.json`.
  case bert
  /// `RobertaTokenizer`: takes vocabulary, merges and added tokens of `tokenizer.json`, everything else of
  /// `tokenizer_config.json`.
  case roberta
  /// `GPT2Tokenizer`: as `roberta`, but the post-processor of `tokenizer.json` counts.
  case gpt2
  /// `XLMRobertaTokenizer`: takes pieces, `Precompiled` and added tokens of `tokenizer.json`, everything else of
  /// `tokenizer_config.json`.
  case xlmRoberta
  /// `PreTrainedTokenizerFast`: takes `tokenizer.json` as it is.
  case plain

  /// The class for a folder.
  ///
  /// - Parameters:
  ///   - configuration: `tokenizer_config.json`.
  ///   - model: `config.json`; empty where there is none.
  init(configuration: JSONObject, model: JSONObject) {
    let modelType = model["model_type"]?.stringValue
    let name =
      Self.name(configuration: configuration, model: model) ?? modelType.flatMap { Self.classOfModelType[$0] }
      ?? ""
    if Self.likeBert.contains(name) {
      self = .bert
    } else if Self.likeRoberta.contains(name) {
      self = .roberta
    } else {
      self = name == "GPT2Tokenizer" ? .gpt2 : name == "XLMRobertaTokenizer" ? .xlmRoberta : .plain
    }
  }

  /// The name of the class that the files of a folder give, without `Fast` at its end; nil for none.
  static func name(configuration: JSONObject, model: JSONObject) -> String? {
    let name = configuration["tokenizer_class"]?.stringValue ?? model["tokenizer_class"]?.stringValue
    guard let name, name.hasSuffix("Fast") else { return name }
    return String(name.dropLast(4))
  }

  /// The class for a `model_type` where no file names one, as in `AutoTokenizer`; types that are not here read
  /// `tokenizer.json` as it is.
  static let classOfModelType = [
    "bert": "BertTokenizer", "distilbert": "BertTokenizer", "electra": "BertTokenizer",
    "roberta": "RobertaTokenizer", "xlm-roberta": "XLMRobertaTokenizer", "xmod": "XLMRobertaTokenizer",
  ]
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
