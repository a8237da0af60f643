/// Which intermediate feature a match compares; TextBrewer's `FEATURES`, and what came after it.
public enum MatchFeature: String, Sendable, Codable, CaseIterable {
  /// The hidden states: layer 0 is the embedding output, layer k the output of block k.
  case hidden
  /// The attention scores before the softmax: layer k belongs to block k.
  case attention
  /// The queries, keys and values of self-attention: layer k belongs to block k.
  case selfAttention = "self_attention"
}
