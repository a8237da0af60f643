/// What a model should answer to one example; each kind of task has its own form of it.
public enum ExampleTarget: Sendable, Hashable {
  /// Nothing is known; losses and metrics skip the example.
  case none
  /// The index of one label.
  case label(Int32)
  /// A number (regression).
  case value(Float)
  /// Whether each label applies [K] (multi-label).
  case labels([Bool])
  /// One class a token [length], `EncodedExample.noLabel` where there is none: entity tags, or the ids behind a mask.
  case tags([Int32])
  /// The first and the last token of an answer as positions in the sequence; both 0, the [CLS], where there is none.
  case span(start: Int32, end: Int32)
}
