import ModelFormats

/// Error about a tokenizer's files or a request to it.
public enum TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A file cannot be read, written or parsed.
  case format(FormatError)
  /// The folder holds no `tokenizer.json` and no vocabulary.
  case noTokenizer(directory: String)
  /// A component of `tokenizer.json` has a type Potstill does not have.
  case unsupported(file: String, component: String, type: String, supported: String)
  /// A field has a wrong type or value, or a token is missing.
  case invalid(file: String, field: String, reason: String)
  /// A line of `vocab.txt` or `merges.txt` cannot be used; lines count from 1.
  case vocabularyLine(file: String, line: Int, reason: String)
  /// The text cannot be cut to the length asked for.
  case truncation(reason: String)

  /// The message for a person: file and field, what was found, what was expected.
  public var description: String {
    switch self {
    case .format(let error):
      error.description
    case .noTokenizer(let directory):
      "\(directory): found no tokenizer.json, no vocab.txt, no vocab.json with merges.txt, and no SentencePiece"
        + " .model file; a model folder needs one of them"
    case .unsupported(let file, let component, let type, let supported):
      "\(file): \(component) has type \"\(type)\", which is not supported; supported: \(supported)"
    case .invalid(let file, let field, let reason):
      "\(file): \(field): \(reason)"
    case .vocabularyLine(let file, let line, let reason):
      "\(file):\(line): \(reason)"
    case .truncation(let reason):
      "cannot truncate: \(reason)"
    }
  }
}
