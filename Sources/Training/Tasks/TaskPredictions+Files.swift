import Evaluation
public import Foundation
public import ModelFormats

extension TaskPredictions {
  /// Writes the answers as their users know them.
  ///
  /// - Answers to questions: `predictions.json`, `nbest_predictions.json` and, where questions may have none,
  ///   `null_odds.json`, as run_qa and the SQuAD scripts have them.
  /// - Tags: `predictions.txt`, a word a line with its true tag, where known, and the predicted one, and an empty line
  ///   behind each sentence, as conlleval reads them.
  /// - Labels and numbers: `predictions.tsv` with the columns `index` and `prediction`, as GLUE's server takes them;
  ///   several labels of a row are joined by commas.
  ///
  /// - Parameters:
  ///   - folder: An existing folder.
  ///   - prefix: Put before the names with an underscore, such as `eval`.
  /// - Throws: `FormatError.cannotWrite`.
  public func write(to folder: URL, prefix: String? = nil) throws(FormatError) {
    func file(_ name: String) -> URL { folder.appending(path: prefix.map { "\($0)_\(name)" } ?? name) }
    switch self {
    case .answers(let answers):
      try SpanPrediction.write(answers, to: folder, prefix: prefix)
    case .tags(let sentences):
      var text = ""
      for sentence in sentences {
        for (index, word) in sentence.words.enumerated() {
          text +=
            ([word] + (sentence.references.map { [$0[index]] } ?? []) + [sentence.predictions[index]])
            .joined(separator: " ") + "\n"
        }
        text += "\n"
      }
      try AtomicFile.write(Array(text.utf8), to: file("predictions.txt"))
    case .labels(let rows): try Self.writeTable(rows.map(\.label), to: file("predictions.tsv"))
    case .values(let rows): try Self.writeTable(rows.map { "\($0)" }, to: file("predictions.tsv"))
    case .labelSets(let rows):
      try Self.writeTable(rows.map { $0.labels.joined(separator: ",") }, to: file("predictions.tsv"))
    }
  }

  private static func writeTable(_ values: [String], to url: URL) throws(FormatError) {
    let lines = values.enumerated().map { "\($0.offset)\t\($0.element)\n" }
    try AtomicFile.write(Array(("index\tprediction\n" + lines.joined()).utf8), to: url)
  }
}
