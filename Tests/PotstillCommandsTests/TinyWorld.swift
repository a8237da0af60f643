import Datasets
import Encoders
import Foundation
import Tokenization

/// A temporary folder with a tiny model and a tiny data set, gone when this is.
final class TinyWorld {
  let folder: URL

  /// - Parameters:
  ///   - hidden: The width of the model; wide ones give other last bits to a text in other company.
  ///   - dropout: Its dropout in training.
  init(hidden: Int = 16, dropout: Float = 0) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "potstill-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try makeModel(hidden: hidden, dropout: dropout)
    try makeData()
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// The path of something in the folder.
  func path(_ name: String) -> String { folder.appending(path: name).path }

  /// The text of a file in the folder.
  func text(_ name: String) throws -> String {
    try String(contentsOf: folder.appending(path: name), encoding: .utf8)
  }

  static let goodWords = ["good", "fine", "lovely", "great"]
  static let badWords = ["bad", "poor", "awful", "weak"]
  static let things = ["film", "room", "soup", "book", "tea"]

  /// Lines of plain text, English and Chinese.
  static let plainLines = things.flatMap { thing in
    (goodWords + badWords).flatMap { word in
      ["The \(thing) was very \(word).", "the \(thing) was not \(word)ly", "北京"]
    }
  }

  private func makeModel(hidden: Int, dropout: Float) throws {
    let words = ["the", "was", "not", "very", "##ly", "北", "京", "."]
    let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    let tokenizer = BertTokenizer(
      vocabulary: Vocabulary(specials + words + Self.goodWords + Self.badWords + Self.things))
    var config = EncoderConfig(
      vocabularySize: tokenizer.idLimit, hiddenSize: hidden, layerCount: 2, attentionHeads: 2,
      intermediateSize: 2 * hidden)
    config.maxPositions = 32
    config.initializerRange = 0.2
    config.hiddenDropout = dropout
    config.attentionDropout = dropout
    let model = try TaskModel(config: config, seed: 1)
    let directory = folder.appending(path: "base")
    try model.save(to: directory)
    try tokenizer.save(to: directory)
  }

  private func makeData() throws {
    let data = folder.appending(path: "data")
    try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
    var rows: [String] = []
    for thing in Self.things {
      for (label, words) in [(1, Self.goodWords), (0, Self.badWords)] {
        for word in words { rows.append("the \(thing) was \(word) .\t\(label)") }
      }
    }
    let header = "sentence\tlabel\n"
    let training = rows.enumerated().filter { $0.offset % 5 != 3 }.map(\.element)
    let held = rows.enumerated().filter { $0.offset % 5 == 3 }.map(\.element)
    for (name, rows) in [("train.tsv", training), ("dev.tsv", held)] {
      try Data((header + rows.joined(separator: "\n") + "\n").utf8).write(to: data.appending(path: name))
    }
    let unlabelled =
      "sentence\n" + Self.things.map { "the \($0) was not good ." }.joined(separator: "\n") + "\n"
    try Data(unlabelled.utf8).write(to: data.appending(path: "more.tsv"))
    let task = """
      name: tiny
      kind: classification
      train_file: train.tsv
      validation_file: dev.tsv
      text_column: sentence
      label_column: label
      labels: [negative, positive]
      label_values: {"0": negative, "1": positive}
      metrics: [accuracy, f1]
      max_seq_length: 24
      defaults: {learning_rate: 5.0e-3, num_train_epochs: 30, per_device_train_batch_size: 8}

      """
    try Data(task.utf8).write(to: folder.appending(path: "tiny.yaml"))
  }
}
