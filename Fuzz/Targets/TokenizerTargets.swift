import Foundation
import ModelFormats
import Tokenization

/// Targets of tokenizers, which cut texts after they are read.
enum TokenizerTargets {
  private static let texts = [
    "", "The quick brown fox, don't 12.5 naïve ＡＢ\t\n", "北京大学abc 😀👩‍👩‍👧 e\u{301}\u{200B}\u{0} [MASK]<mask></s>",
    "  ▁▁a  b\r\nĠc Ċ <0x41> <unk>", String(repeating: "ab", count: 40),
  ]

  /// One file that is a tokenizer by itself.
  static func file(_ bytes: [UInt8], _ name: String, _ folder: FuzzFolder) throws {
    _ = try folder.write(bytes, name)
    try use(loadTokenizer(directory: folder.url))
  }

  /// A `tokenizer_config.json` beside a good tokenizer.
  static func configuration(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    _ = try folder.fix("tokenizer.json") { file in
      let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "##s", "a", "北"]
      var ids = JSONObject()
      for (id, word) in words.enumerated() { ids[word] = .integer(id) }
      let document: JSONValue = [
        "added_tokens": [],
        "normalizer": [
          "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
          "strip_accents": .null, "lowercase": true,
        ],
        "pre_tokenizer": ["type": "BertPreTokenizer"],
        "model": [
          "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
          "max_input_chars_per_word": 100, "vocab": .object(ids),
        ],
      ]
      try document.write(to: file)
    }
    try file(bytes, "tokenizer_config.json", folder)
  }

  /// `vocab.json` and `merges.txt`, with a NUL between them.
  static func bytePairs(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    _ = try folder.write(parts[0], "vocab.json")
    _ = try folder.write(parts.count > 1 ? parts[1] : [], "merges.txt")
    try use(loadTokenizer(directory: folder.url))
  }

  /// Cuts texts alone, in pairs, to a length and in windows.
  private static func use(_ tokenizer: any Tokenizer) throws {
    for text in texts {
      let encoding = tokenizer.encode(text)
      check(encoding, of: tokenizer, text)
      _ = tokenizer.encode(text, pair: texts[1], addSpecialTokens: false)
      if let short = try? tokenizer.encode(text, pair: text, truncation: Truncation(maxLength: 8)) {
        check(short, of: tokenizer, text)
      }
    }
    _ = (tokenizer.segmentLimit(isPair: true), tokenizer.repeatedTokens, tokenizer.maskID)
  }

  private static func check(_ encoding: Encoding, of tokenizer: any Tokenizer, _ text: String) {
    let limit = tokenizer.idLimit
    precondition(encoding.ids.allSatisfy { $0 >= 0 && Int($0) < limit }, "Ids lie below the limit.")
    let end = text.unicodeScalars.count
    precondition(
      encoding.offsets.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= end }, "Offsets lie in the text.")
  }
}
