import ModelFormats

/// Examples as a model reads them, in memory or in files.
public typealias EncodedExamples = DataRows<EncodedExample>

/// Rows that are examples: an array of them, or those of files.
public protocol ExampleRows {
  /// The examples.
  var encodedExamples: EncodedExamples { get }
}

extension Array: ExampleRows where Element == EncodedExample {
  /// The examples of the array.
  public var encodedExamples: EncodedExamples { EncodedExamples(self) }
}

extension DataRows: ExampleRows where Row == EncodedExample {
  /// These examples.
  public var encodedExamples: EncodedExamples { self }
}

extension DataRows where Row == EncodedExample {
  /// Examples in files, as many of the first as a limit lets.
  package init(_ shards: [RowShard], limit: Int? = nil) {
    self.init(ShardRows<EncodedExample>(shards, limit: limit))
  }

  private var stored: ShardRows<EncodedExample>? { files as? ShardRows<EncodedExample> }

  /// The number of tokens of each example [count], which is known without reading them.
  public var lengths: [Int] { stored?.lengths ?? map(\.length) }

  /// The number of examples that have a target.
  public var targetCount: Int { stored?.targetCount ?? count { $0.target != .none } }

  /// The examples that have a target, in their order.
  package var withTarget: EncodedExamples {
    guard let stored else { return chosen(indices.filter { self[$0].target != .none }) }
    if stored.targetCount == stored.count { return self }
    return with(stored.withTarget)
  }

  /// The examples with their targets changed; one that has none keeps none.
  package func changingTargets(
    _ body: @escaping @Sendable (ExampleTarget) -> ExampleTarget
  ) -> EncodedExamples {
    changed { example in
      var example = example
      example.target = body(example.target)
      return example
    }
  }

  /// A batch of the examples at some positions, in that order.
  ///
  /// - Throws: `DatasetError.unreadableFile` when a file can no longer be read.
  package func batch(at indices: [Int]) throws(DatasetError) -> Batch {
    let batch = Batch(self, at: indices)
    try check()
    return batch
  }
}

extension EncodedExample: StoredRow {
  /// An example of one token.
  package static var unreadable: EncodedExample { EncodedExample(ids: [0], segments: [0]) }

  /// Forms of a target in a file.
  private enum Form: Int32 {
    case none, label, value, labels, tags, span
  }

  /// Appends the number of tokens, the ids, runs of equal segments, the place of a second sequence (or -1), and the target.
  package func append(to words: inout [Int32]) {
    words.append(Int32(ids.count))
    words += ids
    var runs: [(segment: Int32, count: Int32)] = []
    for segment in segments {
      if let last = runs.last, last.segment == segment {
        runs[runs.count - 1].count += 1
      } else {
        runs.append((segment, 1))
      }
    }
    words.append(Int32(2 * runs.count))
    for run in runs { words += [run.segment, run.count] }
    words.append(secondStart.map { Int32($0) } ?? -1)
    switch target {
    case .none: words.append(Form.none.rawValue)
    case .label(let label): words += [Form.label.rawValue, label]
    case .value(let value): words += [Form.value.rawValue, Int32(bitPattern: value.bitPattern)]
    case .labels(let flags): words += [Form.labels.rawValue, Int32(flags.count)] + flags.map { $0 ? 1 : 0 }
    case .tags(let tags): words += [Form.tags.rawValue, Int32(tags.count)] + tags
    case .span(let start, let end): words += [Form.span.rawValue, start, end]
    }
  }

  /// Reads what `append` wrote; nil for words that are no example of known tokens.
  package init?(words: inout RecordWords) {
    let limit = words.idLimit
    guard let count = words.count(), let ids = words.next(count),
      ids.allSatisfy({ $0 >= 0 && Int($0) < limit }), let runWords = words.count(),
      let runs = words.next(runWords), runWords % 2 == 0
    else { return nil }
    var segments: [Int32] = []
    segments.reserveCapacity(count)
    for place in stride(from: runs.startIndex, to: runs.endIndex, by: 2) {
      let length = Int(runs[place + 1])
      guard length > 0, segments.count + length <= count else { return nil }
      segments += repeatElement(runs[place], count: length)
    }
    guard segments.count == count, let second = words.next(), Int(second) < count || count == 0 else {
      return nil
    }
    guard let target = Self.target(&words), Self.fits(target, count) else { return nil }
    self.init(ids: Array(ids), segments: segments, target: target)
    secondStart = second < 0 ? nil : Int(second)
  }

  private static func target(_ words: inout RecordWords) -> ExampleTarget? {
    guard let form = words.next().flatMap(Form.init(rawValue:)) else { return nil }
    switch form {
    case .none: return ExampleTarget.none
    case .label: return words.next().map { .label($0) }
    case .value: return words.next().map { .value(Float(bitPattern: UInt32(bitPattern: $0))) }
    case .labels:
      return words.count().flatMap { words.next($0) }.map { .labels($0.map { $0 != 0 }) }
    case .tags: return words.count().flatMap { words.next($0) }.map { .tags(Array($0)) }
    case .span:
      guard let start = words.next(), let end = words.next() else { return nil }
      return .span(start: start, end: end)
    }
  }

  private static func fits(_ target: ExampleTarget, _ count: Int) -> Bool {
    if case .tags(let tags) = target { tags.count == count } else { true }
  }
}
