import ModelFormats

/// Pre-tokenizer that is several others, one after the other, `Sequence` of `tokenizers`.
struct PreTokenizerSequence: PreTokenizer {
  static let type = "Sequence"

  let steps: [any PreTokenizer]

  init(_ reader: ComponentReader) throws(TokenizerError) {
    var steps: [any PreTokenizer] = []
    for step in try reader.components("pretokenizers") { steps.append(try step.preTokenizer()) }
    self.steps = steps
  }

  /// A sequence of pre-tokenizers.
  init(_ steps: [any PreTokenizer]) { self.steps = steps }

  var json: JSONValue { ["type": .string(Self.type), "pretokenizers": .array(steps.map(\.json))] }

  func split(_ text: inout ChainText) {
    for step in steps { step.split(&text) }
  }
}
