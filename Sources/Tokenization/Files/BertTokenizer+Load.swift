import Foundation
import ModelFormats

extension BertTokenizer {
  /// Loads the tokenizer of a Hugging Face model folder.
  ///
  /// What `tokenizer.json` and `tokenizer_config.json` say differently counts as in `transformers` 5: its `BertTokenizer`
  /// takes the vocabulary of the one and the options of the other, `PreTrainedTokenizerFast` follows `tokenizer.json`
  /// alone. Without `tokenizer.json` `vocab.txt` with `tokenizer_config.json` (and the older
  /// `special_tokens_map.json` and `added_tokens.json`) is read. Truncation and padding sections are ignored.
  ///
  /// - Throws: `TokenizerError`, naming the file and the field or component.
  public convenience init(directory: URL) throws(TokenizerError) {
    let manager = FileManager.default
    let configuration = try TokenizerConfiguration(directory)
    let document = directory.appending(path: "tokenizer.json")
    if manager.fileExists(atPath: document.path) {
      try self.init(try TokenizerFileReader(document), configuration)
      return
    }
    let list = directory.appending(path: "vocab.txt")
    guard manager.fileExists(atPath: list.path) else { throw .noTokenizer(directory: directory.path) }
    let vocabulary = try Vocabulary(contentsOf: list)
    let options = try configuration.bertOptions()
    try self.init(
      vocabulary: vocabulary, options: options,
      addedTokens: try configuration.addedTokens(
        .bert, options.specialTokens, unknown: options.unknownToken, in: vocabulary),
      configuration: configuration.members, file: list.path)
  }

  /// Reads a `tokenizer.json`, whose document is gone before the tables are made from its parts.
  convenience init(
    _ reader: consuming TokenizerFileReader, _ configuration: TokenizerConfiguration
  ) throws(TokenizerError) {
    let file = reader.file
    let parts = try reader.wordPieceParts(configuration)
    _ = consume reader
    try self.init(
      vocabulary: parts.vocabulary, options: parts.options, addedTokens: parts.addedTokens,
      framing: parts.framing, configuration: configuration.members, file: file)
  }
}
