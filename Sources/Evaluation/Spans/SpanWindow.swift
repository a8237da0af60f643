import Foundation
import ModelFormats

/// Scores that a model gives one window of a question's passage, token by token.
public struct SpanWindow: Sendable {
  /// The logit of each token as the first of the answer [L].
  public var startLogits: [Float]
  /// The logit of each token as the last of the answer [L].
  public var endLogits: [Float]
  /// The range of each token in the passage, in Unicode scalars [L]; nil for tokens that are no part of it (the
  /// question, [CLS], [SEP]), which no answer may touch.
  public var offsets: [Range<Int>?]
  /// The token whose logits stand for "no answer".
  public var clsIndex: Int
  /// Whether each token has its most context in this window [L]; an answer may start at no other.
  ///
  /// Nil lets it start anywhere, as `transformers`' run_qa does; BERT's run_squad.py asks for it (see `WindowJoin`).
  public var isMaxContext: [Bool]?

  /// A window of L tokens.
  public init(
    startLogits: [Float], endLogits: [Float], offsets: [Range<Int>?], clsIndex: Int = 0,
    isMaxContext: [Bool]? = nil
  ) {
    precondition(
      startLogits.count == endLogits.count && startLogits.count == offsets.count
        && (isMaxContext.map { $0.count == offsets.count } ?? true),
      "A window of \(offsets.count) tokens has \(startLogits.count) start and \(endLogits.count) end logits.")
    precondition(
      startLogits.indices.contains(clsIndex), "The token \(clsIndex) is not in a window of \(offsets.count).")
    self.startLogits = startLogits
    self.endLogits = endLogits
    self.offsets = offsets
    self.clsIndex = clsIndex
    self.isMaxContext = isMaxContext
  }
}

/// The answer to a question.
public struct SpanPrediction: Sendable, Equatable {
  /// The predicted text; "" for no answer.
  public var text: String
  /// The best answers, the best first; "no answer" is always among them where it is allowed.
  public var nBest: [SpanAnswer]
  /// The score of "no answer" minus that of the best answer; nil where it is not allowed.
  public var nullScoreDiff: Float?
}

extension SpanPrediction {
  /// Writes the files that run_qa and the SQuAD scripts know: `predictions.json` (text by question id),
  /// `nbest_predictions.json`, and, where questions may have no answer, `null_odds.json`.
  ///
  /// - Parameters:
  ///   - predictions: the predictions in the order of the files.
  ///   - folder: an existing folder.
  ///   - prefix: put before the names with an underscore, such as `eval`.
  ///
  /// Throws `FormatError.cannotWrite`.
  public static func write(
    _ predictions: [(id: String, prediction: SpanPrediction)], to folder: URL, prefix: String? = nil
  ) throws(FormatError) {
    var texts = JSONObject()
    var lists = JSONObject()
    var odds = JSONObject()
    for (id, prediction) in predictions {
      texts[id] = .string(prediction.text)
      lists[id] = .array(prediction.nBest.map(\.json))
      if let difference = prediction.nullScoreDiff { odds[id] = .double(Double(difference)) }
    }
    var files = [("predictions.json", texts), ("nbest_predictions.json", lists)]
    if !odds.isEmpty { files.append(("null_odds.json", odds)) }
    for (name, object) in files {
      let name = prefix.map { "\($0)_\(name)" } ?? name
      try JSONValue.object(object).write(to: folder.appending(path: name))
    }
  }
}

/// One answer of an n-best list.
public struct SpanAnswer: Sendable, Equatable {
  /// The logit of its first token.
  public var startLogit: Float
  /// The logit of its last token.
  public var endLogit: Float
  /// The text, a piece of the passage; "" for no answer.
  public var text: String
  /// The range in the passage, in Unicode scalars; nil for no answer.
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
