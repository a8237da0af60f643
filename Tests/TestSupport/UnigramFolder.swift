public import Foundation
import ModelFormats

/// Files of a Unigram tokenizer laid out as XLM-R's: `<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3, pieces with scores, `<mask>`.
public enum UnigramFolder {
  /// Writes `tokenizer.json` and `tokenizer_config.json`.
  ///
  /// - Parameters:
  ///   - pieces: The pieces, which begin words with ▁, and their scores.
  ///   - fallsBackToBytes: Whether unknown characters become tokens of bytes, which `transformers` gives no XLM-R; the
  ///     folder's class is then a plain one.
  ///   - folder: An existing folder.
  public static func write(
    _ pieces: [(String, Double)], fallsBackToBytes: Bool = false, to folder: URL
  ) throws {
    let special = ["<s>", "<pad>", "</s>", "<unk>"]
    let scored = special.map { ($0, 0.0) } + pieces + [("<mask>", 0.0)]
    let vocabulary = scored.map { JSONValue.array([.string($0.0), .double($0.1)]) }
    let added = (Array(special.enumerated()) + [(scored.count - 1, "<mask>")]).map { id, token in
      addedToken(token, id: id)
    }
    let whole = piece("Sequence", "A")
    let second = piece("Sequence", "B")
    let (begin, end) = (piece("SpecialToken", "<s>"), piece("SpecialToken", "</s>"))
    let frame: JSONValue = [
      "type": "TemplateProcessing", "single": [begin, whole, end],
      "pair": [begin, whole, end, end, second, end],
      "special_tokens": ["<s>": specialToken("<s>", id: 0), "</s>": specialToken("</s>", id: 2)],
    ]
    let metaspace: JSONValue = [
      "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true,
    ]
    let model: JSONValue = [
      "type": "Unigram", "unk_id": 3, "vocab": .array(vocabulary), "byte_fallback": .bool(fallsBackToBytes),
    ]
    let document: JSONValue = [
      "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(added), "normalizer": nil,
      "pre_tokenizer": ["type": "Sequence", "pretokenizers": [["type": "WhitespaceSplit"], metaspace]],
      "post_processor": frame, "decoder": metaspace, "model": model,
    ]
    let names: JSONValue = [
      "tokenizer_class": .string(fallsBackToBytes ? "PreTrainedTokenizerFast" : "XLMRobertaTokenizer"),
      "bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "unk_token": "<unk>",
      "pad_token": "<pad>", "mask_token": "<mask>", "model_max_length": 512,
    ]
    try document.write(to: folder.appending(path: "tokenizer.json"))
    try names.write(to: folder.appending(path: "tokenizer_config.json"))
  }

  private static func addedToken(_ content: String, id: Int) -> JSONValue {
    [
      "id": .integer(id), "content": .string(content), "single_word": false, "lstrip": false, "rstrip": false,
      "normalized": false, "special": true,
    ]
  }

  private static func piece(_ kind: String, _ id: String) -> JSONValue {
    [kind: ["id": .string(id), "type_id": 0]]
  }

  private static func specialToken(_ token: String, id: Int) -> JSONValue {
    ["id": .string(token), "ids": [.integer(id)], "tokens": [.string(token)]]
  }
}
