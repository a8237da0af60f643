import Foundation
import ModelFormats

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
