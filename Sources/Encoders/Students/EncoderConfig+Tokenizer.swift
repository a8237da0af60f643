import Tokenization

extension EncoderConfig {
  /// The same task for a fresh model that reads another tokenizer: in the family whose tokenizer it is, with room for its
  /// vocabulary.
  package func reading(_ tokenizer: any Tokenizer) -> EncoderConfig {
    var config = self
    if tokenizer is ByteLevelBPETokenizer {
      if !architecture.skipsPaddingPosition { config.architecture = .roberta }
    } else if architecture.skipsPaddingPosition {
      config.architecture = .bert
    }
    if config.architecture != architecture { config.segmentCount = config.architecture == .roberta ? 1 : 2 }
    config.vocabularySize = tokenizer.idLimit
    config.padTokenID = tokenizer.padID.map { Int($0) } ?? config.padTokenID
    return config
  }
}
