public import Datasets
import ModelFormats

/// A file of rows without labels, as `potstill augment` writes and `--unlabelled-file` reads it: plain text, one text a line,
/// or, when its name ends in .jsonl, an object a line under the task's own keys, else `text`, `text_pair` and `words`.
public enum UnlabelledFile {
  /// The layout of such a file, nil for a file that is laid out like the task's own.
  public static func layout(_ path: String, of task: TaskDefinition) -> DataFile? {
    let name = FileCompression.innerName(path.lowercased())
    if name.hasSuffix(".txt") { return DataFile(path, format: .text) }
    guard name.hasSuffix(".jsonl"), task.format != .jsonl else { return nil }
    let keys = keys(task)
    let hasPair = task.textPairColumn != nil
    return DataFile(
      path, format: .jsonl, textColumn: .name(keys.text), textPairColumn: hasPair ? .name(keys.pair) : nil)
  }

  /// The text of a file of rows.
  ///
  /// - Throws: `TaskError` for pairs and sentences of words where the name does not ask for JSON lines, since they would not fit in.
  public static func text(_ rows: TaskExamples, path: String, task: TaskDefinition) throws -> String {
    let isJSON = path.lowercased().hasSuffix(".jsonl")
    let keys = keys(task)
    func line(_ members: [(String, JSONValue?)]) -> String {
      var object = JSONObject()
      for (key, value) in members { object[key] = value }
      return JSONValue.object(object).compactText + "\n"
    }
    switch rows {
    case .texts(let texts) where !isJSON && texts.allSatisfy { $0.pair == nil }:
      return texts.map { $0.text + "\n" }.joined()
    case .texts(let texts) where isJSON:
      return texts.map { row in
        line([(keys.text, .string(row.text)), (keys.pair, row.pair.map { .string($0) })])
      }.joined()
    case .sentences(let sentences) where isJSON:
      return sentences.map { line([(keys.text, .array($0.words.map { .string($0) }))]) }.joined()
    case .texts, .sentences, .questions:
      throw TaskError(
        "--output \(path): task \(task.name) has rows of more than one text, which need a file of JSON lines; "
          + "give a name that ends in .jsonl")
    }
  }

  private static func keys(_ task: TaskDefinition) -> (text: String, pair: String) {
    let words = task.kind.family.textKey
    guard task.format == .jsonl else { return (words, "text_pair") }
    func name(_ column: ColumnReference?, _ fallback: String) -> String {
      if case .name(let name) = column { name } else { fallback }
    }
    return (name(task.textColumn, words), name(task.textPairColumn, "text_pair"))
  }
}
