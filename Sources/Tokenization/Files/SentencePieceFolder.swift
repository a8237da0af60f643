import Foundation
import ModelFormats

/// Class of `transformers` 5 that makes a tokenizer of a SentencePiece `.model` file alone.
enum SentencePieceClass: String, CaseIterable {
  case xlmRoberta = "XLMRobertaTokenizer"
  case camembert = "CamembertTokenizer"
  case albert = "AlbertTokenizer"
  case t5 = "T5Tokenizer"
  /// Follows what the file itself says, as `SentencePieceProcessor` does.
  case plain = "TokenizersBackend"

  /// The name under which the class looks for the file; a `tokenizer.model` beside it goes before.
  var fileName: String {
    switch self {
    case .xlmRoberta, .camembert: "sentencepiece.bpe.model"
    case .albert, .t5: "spiece.model"
    case .plain: Self.commonFileName
    }
  }

  /// The name under which every class looks for the file first.
  static let commonFileName = "tokenizer.model"

  /// The special tokens that the class names where no file does, under their keys.
  func specialTokens(of model: SentencePieceModel) -> [String: String] {
    switch self {
    case .xlmRoberta, .camembert:
      [
        "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>",
        "pad_token": "<pad>",
        "cls_token": "<s>", "mask_token": "<mask>",
      ]
    case .albert:
      [
        "bos_token": "[CLS]", "eos_token": "[SEP]", "unk_token": "<unk>", "sep_token": "[SEP]",
        "pad_token": "<pad>", "cls_token": "[CLS]", "mask_token": "[MASK]",
      ]
    case .t5: ["eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"]
    case .plain:
      [
        "unk_token": model.unknownPiece, "bos_token": model.beginID >= 0 ? model.beginPiece : nil,
        "eos_token": model.endID >= 0 ? model.endPiece : nil,
      ].compactMapValues(\.self)
    }
  }

  /// The class that a folder's files name, or that its `model_type` stands for in `AutoTokenizer`.
  ///
  /// - Throws: `TokenizerError.unsupported` for one that Potstill does not have.
  init(_ name: String, modelType: String, file: String) throws(TokenizerError) {
    let known = Self.classOfModelType[modelType] ?? PythonTokenizerClass.classOfModelType[modelType]
    let name = name.isEmpty ? known ?? Self.plain.rawValue : name
    if name == "PreTrainedTokenizer" {
      self = .plain
    } else if let known = Self(rawValue: name) {
      self = known
    } else {
      throw .unsupported(
        file: file, component: "tokenizer_class", type: name,
        supported: Self.allCases.map(\.rawValue).joined(separator: ", "))
    }
  }

  /// The classes of encoders, and of others that must not be taken for the plain class.
  private static let classOfModelType = [
    "xlm-roberta": "XLMRobertaTokenizer", "xmod": "XLMRobertaTokenizer", "gte": "XLMRobertaTokenizer",
    "jina_embeddings_v3": "XLMRobertaTokenizer", "camembert": "CamembertTokenizer",
    "albert": "AlbertTokenizer", "yoso": "AlbertTokenizer", "t5": "T5Tokenizer", "mt5": "T5Tokenizer",
    "switch_transformers": "T5Tokenizer", "deberta-v2": "DebertaV2Tokenizer", "big_bird": "BigBirdTokenizer",
    "rembert": "RemBertTokenizer", "fnet": "FNetTokenizer", "reformer": "ReformerTokenizer",
    "xlnet": "XLNetTokenizer", "layoutxlm": "LayoutXLMTokenizer", "mbart": "MBartTokenizer",
    "nllb": "NllbTokenizer", "pegasus": "PegasusTokenizer", "udop": "UdopTokenizer",
    "gemma": "GemmaTokenizer", "gemma2": "GemmaTokenizer", "gemma3": "GemmaTokenizer",
    "gemma3_text": "GemmaTokenizer", "code_llama": "CodeLlamaTokenizer",
  ]
}

/// Folder whose tokenizer is a SentencePiece `.model` file without `tokenizer.json`.
struct SentencePieceFolder {
  /// The path of the file.
  let file: String
  /// The `tokenizer.json` that `transformers` makes of it, of a Unigram model without its pieces.
  let document: JSONValue
  /// The pieces of a Unigram model with their scores.
  let pieces: JSONColumns?
  /// The special tokens under their keys, those included that only the class names.
  let specialTokens: [(key: String, token: AddedToken)]

  /// Reads the folder; nil where it has no such file.
  ///
  /// - Throws: `TokenizerError`, also where `transformers` would look for the file under another name.
  init?(_ directory: URL, _ configuration: TokenizerConfiguration) throws(TokenizerError) {
    func has(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: directory.appending(path: name).path)
    }
    guard let found = sentencePieceFileNames.first(where: has) else { return nil }
    let kind = try SentencePieceClass(
      configuration.className, modelType: configuration.modelType,
      file: directory.appending(path: found).path)
    let names = [SentencePieceClass.commonFileName, kind.fileName]
    guard let name = names.first(where: has) else {
      let wanted = kind == .plain ? kind.fileName : "\(kind.fileName) or \(SentencePieceClass.commonFileName)"
      throw .invalid(
        file: directory.appending(path: found).path, field: "the name of the file",
        reason:
          "transformers' \(kind.rawValue) reads \(wanted); name the file so, or in tokenizer_config.json the"
          + " tokenizer_class that it is for, such as XLMRobertaTokenizer")
    }
    let url = directory.appending(path: name)
    file = url.path
    let model: SentencePieceModel
    do { model = try SentencePieceModel(contentsOf: url) } catch { throw .format(error) }
    let made = try SentencePieceDocument(model, kind, configuration.named, file: url.path)
    document = try made.document()
    pieces = made.pieces
    specialTokens = made.named
  }
}

/// Names that SentencePiece files have in the folders of models.
package let sentencePieceFileNames = [
  "tokenizer.model", "sentencepiece.bpe.model", "spiece.model", "spm.model",
]

/// The `tokenizer.json` that `transformers` makes of the SentencePiece `.model` file of a folder; nil where there is none.
///
/// - Throws: `TokenizerError`, as `loadTokenizer(directory:)`.
package func sentencePieceDocument(directory: URL) throws(TokenizerError) -> JSONValue? {
  guard let folder = try SentencePieceFolder(directory, try TokenizerConfiguration(directory)) else {
    return nil
  }
  guard let pieces = folder.pieces, var document = folder.document.objectValue,
    var model = document["model"]?.objectValue
  else { return folder.document }
  model["vocab"] = pieces.json
  document["model"] = .object(model)
  return .object(document)
}
