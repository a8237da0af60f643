import Encoders
import Foundation
import TaskData
import Tokenization

/// A classifier with its tokenizer, from a Hugging Face directory.
struct ClassifierFolder {
  /// The directory as the user named it.
  let path: String
  /// The model.
  let model: TaskModel
  /// What turns text into its ids.
  let tokenizer: any Tokenizer

  /// A model made in memory, under a name for messages.
  init(path: String, model: TaskModel, tokenizer: any Tokenizer) {
    self.path = path
    self.model = model
    self.tokenizer = tokenizer
  }

  /// Loads a directory.
  ///
  /// - Parameters:
  ///   - labels: The classes of a task to train for; nil keeps the directory's.
  ///   - needsHead: Whether a head that starts at random is an error.
  init(_ path: String, labels: [String]? = nil, seed: UInt64 = 42, needsHead: Bool) throws {
    let url = URL(filePath: path, directoryHint: .isDirectory)
    self.path = path
    tokenizer = try loadTokenizer(directory: url)
    model = try TaskModel(directory: url, head: .sequenceClassification, labels: labels, seed: seed)
    if needsHead, model.startsWithFreshHead {
      throw CommandError(
        "\(path) has no classification head; expected a classifier. Train one with 'potstill train --model \(path)'"
      )
    }
    if tokenizer.idLimit > model.config.vocabularySize {
      throw CommandError(
        "\(path): the tokenizer has ids up to \(tokenizer.idLimit - 1), but the model's embeddings have "
          + "\(model.config.vocabularySize) rows; the two files do not belong together")
    }
  }

  /// The longest input, special tokens included, that model, tokenizer and task allow.
  func lengthLimit(_ asked: Int?) -> Int {
    [asked, tokenizer.modelMaxLength, model.config.maxPositions].compactMap { $0 }.min() ?? 512
  }

  /// Writes the directory.
  func save(to url: URL) throws {
    try model.save(to: url)
    try tokenizer.save(to: url)
  }

  /// Examples as the model reads them.
  func encode(_ examples: [TextExample], limit: Int) throws -> [EncodedExample] {
    let config = model.config
    if config.architecture.readsSegments, config.segmentCount < 2,
      let example = examples.first(where: { $0.pair != nil })
    {
      let place = example.line > 0 ? " (the first on line \(example.line))" : ""
      throw CommandError(
        "the input holds pairs of texts\(place), but \(path) has type_vocab_size \(config.segmentCount); "
          + "expected a model that tells two segments apart")
    }
    return try EncodedExample.encode(examples, with: tokenizer, maxLength: limit)
  }
}
