import Cluster
import Datasets
import Encoders
import Foundation
import Tensors
import Tokenization

/// Run of predictions: answers to blocks of items, and how many of their texts were cut.
package struct PredictionRun {
  /// The items that were answered.
  package private(set) var count = 0
  /// Those of which the end was cut off.
  package private(set) var cutCount = 0
  /// Hidden states of all that was read; nil where nobody wants them.
  package private(set) var states: HiddenStateFile?
  /// The longest input in tokens.
  package let limit: Int
  /// The number of single texts that make one answer.
  package var unit: Int { predictor.unit }

  private let model: TokenizedModel
  private let predictor: any Predictor
  private let ranks: any Communicator

  /// A run.
  ///
  /// - Parameters:
  ///   - limit: The longest input in tokens.
  ///   - settings: How answers are found.
  ///   - keepsStates: Whether hidden states are kept.
  ///   - ranks: The ranks that share the work; all have every answer.
  /// - Throws: `TaskError` when there is nothing to ask such a model, or not so.
  package init(
    _ model: TokenizedModel, limit: Int, settings: PredictionSettings, keepsStates: Bool = false,
    over ranks: any Communicator = SoleRank()
  ) throws {
    (self.model, self.limit, self.ranks) = (model, limit, ranks)
    predictor = try model.model.config.taskFamily.predictor(of: model, settings: settings)
    if keepsStates { states = HiddenStateFile() }
    let room = limit - model.tokenizer.encode("").count
    if let stride = settings.docStride, settings.window != nil, !(0..<max(room, 1)).contains(stride) {
      throw TaskError(
        "--doc-stride is \(stride); expected at least 0 and less than the \(room) tokens of text of a window")
    }
  }

  /// The items that make one answer each, with their answers.
  ///
  /// - Throws: `TaskError` for items that cannot be answered; `TokenizerError.truncation`.
  package mutating func answer(_ items: [PredictionItem]) throws -> [(
    item: PredictionItem, answer: PredictedAnswer
  )] {
    let items = try predictor.items(items)
    let prepared = try predictor.prepare(items, limit: limit)
    count += items.count
    cutCount += prepared.cutCount
    return Array(zip(items, prepared.answers(logits(of: prepared.examples))))
  }

  /// The logits of each example, one row for a sequence head and one a token for a token head.
  private mutating func logits(of examples: [EncodedExample]) -> [[Float]] {
    if states == nil {
      return ModelAnswers(model.model, examples, outputs: nil, batch: .tokens(4096), over: ranks).logits
    }
    var rows = [[Float]](repeating: [], count: examples.count)
    let model = model.model
    // In the order of the input, which that of the states is.
    for start in stride(from: 0, to: examples.count, by: 16) {
      let indices = Array(start..<min(examples.count, start + 16))
      let batch = Batch(examples, at: indices).tokens
      let names = model.config.hiddenStateNames
      let output = model(batch, taps: names, in: .inference)
      states?.append(names.compactMap { output.values[$0] })
      let (values, width) = (output.logits.values, output.logits.shape.lastDimension)
      for (row, index) in indices.enumerated() {
        let range = model.head.readsTokens ? batch.rows(of: row) : row..<row + 1
        rows[index] = Array(values[range.lowerBound * width..<range.upperBound * width])
      }
    }
    return rows
  }
}
