public import Tokenization

extension EncodedExample {
  /// Tokenizes the examples of a data set on all cores and cuts each to a length, the longer text of a pair first.
  ///
  /// - Parameters:
  ///   - examples: all with a pair, or all without.
  ///   - maxLength: the largest number of tokens, special tokens included.
  ///
  /// Throws `TokenizerError.truncation` when the length leaves no room for the special tokens.
  public static func encode(
    _ examples: [TextExample], with tokenizer: BertTokenizer, maxLength: Int
  ) throws(TokenizerError) -> [EncodedExample] {
    let pairs = examples.compactMap(\.pair)
    precondition(
      pairs.isEmpty || pairs.count == examples.count,
      "Either all examples of a data set have a pair or none, found \(pairs.count) of \(examples.count).")
    let encoded = try tokenizer.encodeIDsBatch(
      examples.map(\.text), pairs: pairs.isEmpty ? nil : pairs,
      truncation: Truncation(maxLength: maxLength))
    return zip(examples, encoded).map { example, encoding in
      EncodedExample(
        ids: encoding.ids, segments: encoding.segments, label: example.label.map { Int32($0) } ?? noLabel)
    }
  }
}
