public import Tokenization

/// A packed batch with the target and the place in the data set of each of its examples.
///
/// An example is a sequence, unless it is two: then a batch of B examples packs 2B sequences, those of an example next to
/// each other.
///
/// The targets of one batch are of one kind; the accessor of that kind has them in one array, ready for a loss.
public struct Batch: Sendable, Equatable {
  /// The packed tokens of B sequences.
  public let tokens: TokenBatch
  /// The target of each sequence [B].
  public let targets: [ExampleTarget]
  /// The position of each sequence in the data set [B].
  public let indices: [Int]

  /// A batch of parts that belong together.
  public init(tokens: TokenBatch, targets: [ExampleTarget], indices: [Int]) {
    precondition(
      tokens.count.isMultiple(of: max(1, targets.count)) && targets.count == indices.count
        && targets.isEmpty == (tokens.count == 0),
      "A batch needs a target and an index for each example, but has \(tokens.count) sequences, "
        + "\(targets.count) targets and \(indices.count) indices.")
    self.tokens = tokens
    self.targets = targets
    self.indices = indices
  }

  /// A batch of sequences with one label each, or with `EncodedExample.noLabel`.
  public init(tokens: TokenBatch, labels: [Int32], indices: [Int]) {
    self.init(
      tokens: tokens, targets: labels.map { $0 == EncodedExample.noLabel ? .none : .label($0) },
      indices: indices)
  }

  /// Packs the examples at the given positions of a data set, in that order.
  public init(_ examples: some ExampleRows, at indices: [Int]) {
    let all = examples.encodedExamples
    let own = indices.map { all[$0] }
    self.init(
      tokens: TokenBatch(sequences: own.flatMap(\.sequences)), targets: own.map(\.target), indices: indices)
  }

  /// Some of its examples, one behind the other, as a batch.
  package subscript(examples: Range<Int>) -> Batch {
    if examples == 0..<count { return self }
    let each = tokens.count / max(1, count)
    let sequences = examples.lowerBound * each..<examples.upperBound * each
    return Batch(
      tokens: tokens[sequences], targets: Array(targets[examples]), indices: Array(indices[examples]))
  }

  /// The first token of each example, and the number of tokens, [B + 1]; `tokens.starts` has that of each sequence.
  public var starts: [Int32] {
    let each = tokens.count / max(1, count)
    return each <= 1 ? tokens.starts : (0...count).map { tokens.starts[each * $0] }
  }

  /// The number of examples, B.
  public var count: Int { indices.count }

  /// The number of sequences that have a target.
  public var targetCount: Int { targets.count { $0 != .none } }
}

extension Batch {
  /// The label of each sequence [B]; `EncodedExample.noLabel` (-100) where there is none.
  public var labels: [Int32] {
    targets.map { if case .label(let label) = $0 { label } else { EncodedExample.noLabel } }
  }

  /// The number of each sequence [B]; NaN where there is none.
  public var values: [Float] {
    targets.map { if case .value(let value) = $0 { value } else { .nan } }
  }

  /// 1 for each label that applies and 0 for the others, row-major [B * K]; a row of NaN where nothing is known.
  ///
  /// Empty when no sequence of the batch has labels, since K is unknown then.
  public var labelMatrix: [Float] {
    var width = 0
    for case .labels(let flags) in targets { width = flags.count }
    return targets.flatMap { target -> [Float] in
      guard case .labels(let flags) = target else { return Array(repeating: .nan, count: width) }
      precondition(
        flags.count == width, "A batch has examples with \(flags.count) and with \(width) labels.")
      return flags.map { $0 ? 1 : 0 }
    }
  }

  /// The tag of each token [T]; `EncodedExample.noLabel` (-100) where there is none.
  public var tags: [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(tokens.tokenCount)
    for (index, target) in targets.enumerated() {
      if case .tags(let tags) = target {
        result += tags
      } else {
        result += repeatElement(EncodedExample.noLabel, count: tokens.length(index))
      }
    }
    return result
  }

  /// The first token of each answer as a position in its sequence [B]: 0 (the [CLS]) for no answer, -100 where unknown.
  public var spanStarts: [Int32] {
    targets.map { if case .span(let start, _) = $0 { start } else { EncodedExample.noLabel } }
  }

  /// The last token of each answer as a position in its sequence [B]: 0 (the [CLS]) for no answer, -100 where unknown.
  public var spanEnds: [Int32] {
    targets.map { if case .span(_, let end) = $0 { end } else { EncodedExample.noLabel } }
  }
}
