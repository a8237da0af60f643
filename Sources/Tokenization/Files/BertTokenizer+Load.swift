import Foundation
import ModelFormats

extension BertTokenizer {
  /// Loads the tokenizer of a Hugging Face model folder.
  ///
  /// `tokenizer.json` wins; without it `vocab.txt` with `tokenizer_config.json` (and the older
  /// `special_tokens_map.json` and `added_tokens.json`) is read. Truncation and padding sections are ignored.
  ///
  /// - Throws: `TokenizerError`, naming the file and the field or component.
  public convenience init(directory: URL) throws(TokenizerError) {
    let manager = FileManager.default
    let configuration = try TokenizerConfiguration(directory)
    let document = directory.appending(path: "tokenizer.json")
    if manager.fileExists(atPath: document.path) {
      try self.init(try TokenizerFileReader(document).parts(configuration))
      return
    }
    let list = directory.appending(path: "vocab.txt")
    guard manager.fileExists(atPath: list.path) else { throw .noTokenizer(directory: directory.path) }
    let vocabulary = try Vocabulary(contentsOf: list)
    let options = try configuration.options()
    try self.init(
      vocabulary: vocabulary, options: options,
      addedTokens: try configuration.addedTokens(options, vocabulary),
      configuration: configuration.members, file: list.path)
  }

  /// - Parameter parts: what a `tokenizer.json` says.
  private convenience init(_ parts: TokenizerFileReader.Parts) throws(TokenizerError) {
    try self.init(
      vocabulary: parts.vocabulary, options: parts.options, addedTokens: parts.addedTokens,
      template: parts.template,
      configuration: parts.configuration, file: parts.file)
  }
}
