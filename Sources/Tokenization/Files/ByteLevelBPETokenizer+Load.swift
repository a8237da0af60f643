import Foundation
import ModelFormats

extension ByteLevelBPETokenizer {
  /// Loads the tokenizer of a Hugging Face model folder.
  ///
  /// What `tokenizer.json` and `tokenizer_config.json` say differently counts as in `transformers` 5: its
  /// `RobertaTokenizer` takes vocabulary and merges of the one and the options of the other,
  /// `PreTrainedTokenizerFast` follows `tokenizer.json` alone. Without `tokenizer.json` `vocab.json` and `merges.txt` with
  /// `tokenizer_config.json` (and the older `special_tokens_map.json` and `added_tokens.json`) are read as RoBERTa's, or as
  /// GPT-2's where `tokenizer_config.json` says so. Truncation and padding sections are ignored.
  ///
  /// - Throws: `TokenizerError`, naming the file and the field, line or component.
  public convenience init(directory: URL) throws(TokenizerError) {
    let manager = FileManager.default
    let configuration = try TokenizerConfiguration(directory)
    let document = directory.appending(path: "tokenizer.json")
    if manager.fileExists(atPath: document.path) {
      try self.init(try TokenizerFileReader(document), configuration)
      return
    }
    let list = directory.appending(path: "vocab.json")
    guard manager.fileExists(atPath: list.path) else { throw .noTokenizer(directory: directory.path) }
    let value: JSONValue
    do { value = try JSONValue(contentsOfRegularFile: list) } catch { throw .format(error) }
    guard let members = value.objectValue else {
      throw .invalid(
        file: list.path, field: "the document", reason: "found \(value.kind), expected an object")
    }
    let vocabulary = try Vocabulary(members, file: list.path) { "\"\($0)\"" }
    let table = try MergesFile.table(contentsOf: directory.appending(path: "merges.txt"), vocabulary)
    var options = try configuration.byteLevelOptions()
    let isGPT2 = configuration.pythonClass == .gpt2
    // GPT-2's class puts nothing around a text.
    if isGPT2 { options.trimOffsets = false }
    try self.init(
      vocabulary: vocabulary, table: table, options: options,
      addedTokens: try configuration.addedTokens(
        isGPT2 ? .gpt2 : .roberta, options.specialTokens, unknown: options.unknownToken, in: vocabulary),
      framing: isGPT2 ? .template(.plain) : .roberta, configuration: configuration.members, file: list.path)
  }

  /// Reads a `tokenizer.json`, whose document is gone before the tables are made from its parts.
  convenience init(
    _ reader: consuming TokenizerFileReader, _ configuration: TokenizerConfiguration
  ) throws(TokenizerError) {
    let file = reader.file
    let parts = try reader.bytePairParts(configuration)
    _ = consume reader
    try self.init(
      vocabulary: parts.vocabulary, table: parts.table, options: parts.options,
      addedTokens: parts.addedTokens, framing: parts.framing,
      configuration: configuration.members, file: file)
  }
}
