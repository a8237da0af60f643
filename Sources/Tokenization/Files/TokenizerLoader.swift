import Foundation
import ModelFormats

/// Loads the tokenizer of a Hugging Face model folder, of whichever kind it is.
///
/// `tokenizer.json` decides by the type of its model; without it `vocab.json` with `merges.txt` is byte-level BPE and
/// `vocab.txt` is BERT's.
///
/// - Throws: `TokenizerError`, naming the file and the field or component; `.sentencePiece` for such a tokenizer.
public func loadTokenizer(directory: URL) throws(TokenizerError) -> any Tokenizer {
  func has(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: directory.appending(path: name).path)
  }
  if !FileManager.default.fileExists(atPath: directory.path) {
    throw .format(.cannotRead(file: directory.path, reason: "there is no such folder"))
  }
  let document = directory.appending(path: "tokenizer.json")
  if has("tokenizer.json") {
    let reader = try TokenizerFileReader(document)
    let configuration = try TokenizerConfiguration(directory)
    switch try reader.model() {
    case .wordPiece: return try BertTokenizer(consume reader, configuration)
    case .bytePair: return try ByteLevelBPETokenizer(consume reader, configuration)
    case nil:
      let type = try reader.modelType()
      if type == "Unigram" { throw .sentencePiece(file: document.path) }
      throw .unsupported(file: document.path, component: "model", type: type, supported: "WordPiece, BPE")
    }
  }
  if has("vocab.json"), has("merges.txt") || !has("vocab.txt") {
    return try ByteLevelBPETokenizer(directory: directory)
  }
  if !has("vocab.txt") {
    for name in ["sentencepiece.bpe.model", "spiece.model", "tokenizer.model"] where has(name) {
      throw .sentencePiece(file: directory.appending(path: name).path)
    }
  }
  return try BertTokenizer(directory: directory)
}
