import Datasets
import Foundation
import ModelFormats
import Tasks

/// Targets of files of rows: to train on, to answer, to look at, and as answers of somebody.
enum RowTargets {
  /// Definitions of tasks of every kind whose rows are read, but for format and file.
  private static let definitions = [
    "kind: classification\ntext_column: sentence\nlabel_column: label\nlabels: [a, b]\nlabel_values: {\"0\": a, \"1\": b}\n",
    "kind: pair\ntext_column: sentence\ntext_pair_column: other\nlabel_column: label\nlabels: [a, b]\n",
    "kind: regression\ntext_column: sentence\nlabel_column: label\nlabel_range: [0, 5]\n",
    "kind: multi_label\ntext_column: sentence\nlabel_column: label\nlabels: [a, b]\n",
  ]
  private static let tags =
    "kind: token_classification\nlabels: [PER, LOC]\nscheme: BIO\ntext_column: tokens\nlabel_column: tags\n"
  private static let questions = "kind: question_answering\nversion_2_with_negative: true\n"

  /// Reads a file of a format in all ways there are.
  static func rows(_ bytes: [UInt8], _ target: FuzzTarget, _ folder: FuzzFolder) throws {
    let name = "rows.\(target == .squad ? "json" : target == .text ? "txt" : target.rawValue)"
    let path = try folder.write(bytes, name).path
    var failures: [(any Error)?] = []
    func attempt(_ body: () throws -> Void) {
      do {
        try body()
        failures.append(nil)
      } catch {
        failures.append(error)
      }
    }
    for (index, text) in Self.definitions(of: target).enumerated() {
      let task = try task(text, index, target, folder)
      for badRows in [BadRowPolicy.fail, .skip] {
        attempt { try read(TaskReader(task: task, folder: folder.url, badRows: badRows), path) }
      }
      if [.csv, .tsv, .json, .jsonl].contains(target), index != 1 {
        attempt { _ = try AnswersFile(path, of: task, badRows: .skip) }
      }
    }
    attempt { _ = try InferredTask(train: path) }
    attempt {
      let input = try PredictionInput(file: path, skipsBadRows: true)
      while try !input.next(upTo: 100).isEmpty {}
    }
    if target == .text || target == .jsonl { attempt { _ = try InputTexts.read([], file: path) } }
    // The first is the reading of rows as they are meant, all of which must be good.
    for case let failure? in failures.dropFirst() { _ = "\(failure)" }
    if let failure = failures.first ?? nil { throw failure }
  }

  private static func definitions(of target: FuzzTarget) -> [String] {
    switch target {
    case .squad: [questions]
    case .conll: ["kind: token_classification\nlabels: [PER, LOC]\nscheme: BIO\n"]
    case .text: ["kind: masked_lm\n"]
    case .json, .jsonl:
      definitions + [tags, questions]
    default: definitions
    }
  }

  /// The task of a definition whose training file is the rows.
  private static func task(
    _ text: String, _ index: Int, _ target: FuzzTarget, _ folder: FuzzFolder
  ) throws -> TaskDefinition {
    let file = try folder.fix("task-\(index).yaml") { file in
      let path = "rows.\(target == .squad ? "json" : target == .text ? "txt" : target.rawValue)"
      let yaml = "name: t\nformat: \(target.rawValue)\ntrain_file: \(path)\n" + text
      try Data(yaml.utf8).write(to: file)
    }
    return try TaskDefinition(contentsOf: file)
  }

  private static func read(_ reader: TaskReader, _ path: String) throws {
    let kind = reader.task.kind
    if kind == .tokenClassification {
      _ = try reader.readSentences(.train).count
    } else if kind == .questionAnswering {
      _ = try reader.readQuestions(.train).count
    } else if kind == .maskedLanguageModel {
      var source = try TextFiles(paths: [path], badRows: reader.badRows)
      while source.next() != nil {}
      try source.finish()
    } else {
      _ = try reader.read(.train).count
    }
  }
}
