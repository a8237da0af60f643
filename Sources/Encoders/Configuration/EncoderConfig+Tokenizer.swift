import Tokenization

extension EncoderConfig {
  /// The same task for a fresh model that reads another tokenizer: in the family whose tokenizer it is, with room for its
  /// vocabulary.
  package func reading(_ tokenizer: any Tokenizer) -> EncoderConfig {
    var config = self
    if !family.expects(tokenizer) {
      config.architecture = .reading(tokenizer)
      config.segmentCount = config.family.freshSegmentCount
    }
    config.vocabularySize = tokenizer.idLimit
    config.padTokenID = tokenizer.padID.map { Int($0) } ?? config.padTokenID
    return config
  }

  /// What of a tokenizer this model has no rows for, in a sentence; nil when it can read all of single texts.
  package func fault(of tokenizer: any Tokenizer) -> String? {
    if tokenizer.idLimit > vocabularySize {
      return "the tokenizer has ids up to \(tokenizer.idLimit - 1), but the model's embeddings have "
        + "\(vocabularySize) rows; the two files do not belong together"
    }
    let segments = tokenizer.segmentLimit(isPair: false)
    if family.readsSegments, segments > segmentCount {
      return
        "the tokenizer's template has segment ids up to \(segments - 1), but the model has type_vocab_size "
        + "\(segmentCount); the two files do not belong together"
    }
    return nil
  }

  /// What keeps this model from reading pairs of texts, as the end of a sentence; nil when nothing does.
  package func pairFault(of tokenizer: any Tokenizer) -> String? {
    let segments = tokenizer.segmentLimit(isPair: true)
    guard family.readsSegments, segments > segmentCount else { return nil }
    return
      "has type_vocab_size \(segmentCount); expected a model that tells two segments apart, since the tokenizer's template "
      + "has segment ids up to \(segments - 1)"
  }
}
