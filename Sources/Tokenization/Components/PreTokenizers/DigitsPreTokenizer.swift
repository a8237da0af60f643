import ModelFormats

/// Pre-tokenizer that sets numbers apart, `Digits` of `tokenizers`.
struct DigitsPreTokenizer: PreTokenizer {
  static let type = "Digits"

  /// Whether each character of a number is a piece of its own.
  let individually: Bool

  init(_ reader: ComponentReader) throws(TokenizerError) {
    individually = try reader.requiredFlag("individual_digits")
  }

  /// A pre-tokenizer that sets numbers apart.
  init(individually: Bool) { self.individually = individually }

  var json: JSONValue { ["type": .string(Self.type), "individual_digits": .bool(individually)] }

  func split(_ text: inout ChainText) {
    text.split(individually ? .isolated : .contiguous) { UnicodeFormTables.shared.isNumeric($0) }
  }
}
