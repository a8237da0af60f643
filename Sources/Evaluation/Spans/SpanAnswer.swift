import ModelFormats

/// One answer of an n-best list.
public struct SpanAnswer: Sendable, Equatable {
  /// The logit of its first token.
  public var startLogit: Float
  /// The logit of its last token.
  public var endLogit: Float
  /// Its text, a piece of the passage; "" for no answer.
  public var text: String
  /// Where it lies in the passage, in Unicode scalars; nil for no answer.
  public var offsets: Range<Int>?
  /// The softmax of start + end over the list.
  public var probability: Float = 0
}

extension SpanAnswer {
  /// The answer as `nbest_predictions.json` has it.
  var json: JSONValue {
    [
      "start_logit": .double(Double(startLogit)), "end_logit": .double(Double(endLogit)),
      "text": .string(text), "probability": .double(Double(probability)),
    ]
  }
}
