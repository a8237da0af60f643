public import Tokenization

extension EncodedExample {
  /// Tokenizes the examples of a data set on all cores and cuts each to a length, the longer text of a pair first.
  ///
  /// - Parameters:
  ///   - examples: single texts, pairs, or both.
  ///   - maxLength: the largest number of tokens, special tokens included.
  ///
  /// Throws `TokenizerError.truncation` when the length leaves no room for the special tokens.
  public static func encode(
    _ examples: [TextExample], with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> [EncodedExample] {
    // Single texts and pairs are cut apart differently, so each kind is a batch of its own.
    var encoded = [(ids: [Int32], segments: [Int32])](repeating: ([], []), count: examples.count)
    for isPair in [false, true] {
      let places = examples.indices.filter { (examples[$0].pair != nil) == isPair }
      let results = try tokenizer.encodeIDsBatch(
        places.map { examples[$0].text }, pairs: isPair ? places.compactMap { examples[$0].pair } : nil,
        truncation: Truncation(maxLength: maxLength))
      for (place, result) in zip(places, results) { encoded[place] = result }
    }
    return zip(examples, encoded).map { example, encoding in
      EncodedExample(ids: encoding.ids, segments: encoding.segments, target: example.target)
    }
  }
}
