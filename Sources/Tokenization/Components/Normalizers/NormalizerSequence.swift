import ModelFormats

/// Normaliser that is several others, one after the other, `Sequence` of `tokenizers`.
struct NormalizerSequence: Normalizer {
  static let type = "Sequence"

  let steps: [any Normalizer]

  init(_ reader: ComponentReader) throws(TokenizerError) {
    var steps: [any Normalizer] = []
    for step in try reader.components("normalizers") { steps.append(try step.normalizer()) }
    self.steps = steps
  }

  /// A sequence of normalisers.
  init(_ steps: [any Normalizer]) { self.steps = steps }

  var json: JSONValue { ["type": .string(Self.type), "normalizers": .array(steps.map(\.json))] }

  func normalize(_ text: inout ChainText) {
    for step in steps { step.normalize(&text) }
  }
}
