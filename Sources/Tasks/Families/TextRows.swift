import Datasets
package import Encoders
public import Foundation
import ModelFormats
package import Tokenization

/// Family of tasks whose rows are texts or pairs of texts with columns, cut where they are too long.
package protocol TextFamily: TaskFamily {
  /// The reader of a task's targets.
  func targetReader(of task: TaskDefinition) -> any TargetReader
  /// The reader of answers that somebody has stated; nil where answers are no labels or numbers.
  func answerReader(of task: TaskDefinition) -> (any AnswerReader)?
  /// Whether a row has two texts always.
  var needsPair: Bool { get }
  /// Texts or pairs as a model reads them.
  ///
  /// - Parameter task: The task; nil for texts of no task, without targets.
  func examples(
    _ texts: [TextExample], of task: TaskDefinition?, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> [EncodedExample]
  /// The answer to one text, whose line stands in front of the text.
  func answer(_ logits: [Float], labels: [String]) -> PredictedAnswer
  /// The logits of a text that was read in windows.
  func combined(_ windows: [[Float]], by pooling: WindowPooling) -> [Float]
  /// The probability of each label, where outputs are labels.
  func probabilities(_ logits: [Float]) -> [Double]
}

extension TextFamily {
  package var formats: [DataFormat] { [.tsv, .csv, .jsonl, .json, .text] }
  package var head: TaskHead { .sequenceClassification }
  package var needsPair: Bool { false }
  package func answerReader(of task: TaskDefinition) -> (any AnswerReader)? { nil }
  package var rows: AnswerRows { .sequences }
  package var purpose: String { "classification" }

  package func examples(
    _ texts: [TextExample], of task: TaskDefinition?, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> [EncodedExample] {
    try EncodedExample.encode(texts, with: tokenizer, maxLength: maxLength)
  }

  package func predictor(of model: TokenizedModel, settings: PredictionSettings) throws -> any Predictor {
    try TextPredictor(model: model, family: self, settings: settings)
  }

  package func probabilities(_ logits: [Float]) -> [Double] { softmax(logits) }

  /// Logarithms of the windows' probabilities together, of which the softmax is these.
  package func combined(_ windows: [[Float]], by pooling: WindowPooling) -> [Float] {
    pooling.combined(windows.map { probabilities($0) }).map {
      Float(log(Swift.max($0, .leastNormalMagnitude)))
    }
  }

  package func columnFaults(of task: TaskDefinition) -> [String] {
    task.textColumnFaults(kind: kind.rawValue, needsPair: needsPair)
  }

  package func read(
    _ split: DataSplit, part: String?, by reader: TaskReader
  ) throws(DatasetError) -> TaskRows {
    TaskRows(try reader.read(split, part: part), as: TaskExamples.texts)
  }

  package func stream(
    _ split: DataSplit, by reader: TaskReader, progress: (_ rows: Int) -> Void,
    _ body: (TaskExamples) throws -> Void
  ) throws -> String {
    try reader.stream(
      split, reader.textParser(split, numbersRows: false), as: TaskExamples.texts, progress: progress, body)
  }

  package func encode(
    _ rows: TaskExamples, of task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> EncodedTask {
    let texts = rows.texts
    return EncodedTask(
      try examples(texts, of: task, with: tokenizer, maxLength: maxLength), task: task,
      rowNumbers: texts.enumerated().map { position, text in text.row ?? position })
  }

  package func align(
    _ rows: TaskExamples, _ student: EncodedTask, by sides: AlignedSides
  ) throws(TokenizerError) -> [AlignedExample] {
    let texts = rows.texts
    precondition(texts.count == student.examples.count, "The student's examples must be of these texts.")
    return try AlignedExample.all(texts.count) { (index) throws(TokenizerError) in
      let text = texts[index]
      let own = try sides.studentTokenizer.encode(
        text.text, pair: text.pair, truncation: Truncation(maxLength: sides.studentLength))
      let other = try sides.teacherTokenizer.encode(
        text.text, pair: text.pair, truncation: Truncation(maxLength: sides.teacherLength))
      return AlignedExample(own, other, isFull: other.count == sides.teacherLength)
    }
  }
}

extension TaskExamples {
  /// The texts of the rows whatever their form, each part of a pair by itself; of a sentence the whole and its words.
  package var plainTexts: [String] {
    switch self {
    case .texts(let rows): rows.flatMap { [$0.text, $0.pair].compactMap { $0 } }
    case .sentences(let rows): rows.map { $0.words.joined(separator: " ") } + rows.flatMap(\.words)
    case .questions(let rows): rows.flatMap { [$0.text, $0.context] }
    }
  }

  /// At most so many rows, evenly spread over all, since files are often sorted by label.
  package func evenSample(_ count: Int) -> TaskExamples {
    func evenSample<Row>(_ rows: [Row]) -> [Row] {
      rows.count <= count ? rows : (0..<count).map { rows[$0 * rows.count / count] }
    }
    return switch self {
    case .texts(let rows): .texts(evenSample(rows))
    case .sentences(let rows): .sentences(evenSample(rows))
    case .questions(let rows): .questions(evenSample(rows))
    }
  }

  /// The texts of a task of texts.
  package var texts: [TextExample] {
    guard case .texts(let rows) = self else {
      preconditionFailure("The rows are not texts, as the kind needs them.")
    }
    return rows
  }

  /// The sentences of a task of words.
  package var sentences: [TaggedSentence] {
    guard case .sentences(let rows) = self else {
      preconditionFailure("The rows are not sentences of words, as the kind needs them.")
    }
    return rows
  }

  /// The questions of a task of passages.
  package var questions: [Question] {
    guard case .questions(let rows) = self else {
      preconditionFailure("The rows are not questions, as the kind needs them.")
    }
    return rows
  }
}

/// Names of labels as values of files are compared with them.
struct LabelNames: Sendable {
  private let indices: [String: Int]

  /// The names of a task's labels, and the raw values that mean them.
  init(_ task: TaskDefinition) {
    var indices: [String: Int] = [:]
    let raws = task.labels + task.labelValues.keys.sorted()
    for raw in raws { indices[raw] = task.labelIndex(ofRawValue: raw) }
    // Values of files are read without the white space around them, and so are the names they are compared with.
    for raw in raws {
      let trimmed = raw.trimmingCharacters(in: .whitespacesAndNewlines)
      if indices[trimmed] == nil { indices[trimmed] = indices[raw] }
    }
    self.indices = indices
  }

  /// The label that a value means; a whole number means the same when it is written 1.0.
  subscript(raw: String) -> Int? { indices[raw] ?? wholeNumber(raw).flatMap { indices[String($0)] } }

  /// Names that a fault expects.
  var expected: String { "one of \(indices.keys.sorted().joined(separator: ", "))" }
}

extension LabelNames {
  /// Least probability that a stated answer leaves to a label, so that its logarithm is finite.
  static let leastProbability = 1e-8

  /// Probabilities at the places of their labels, nil where there is none.
  func placed(
    _ named: [(label: String, value: Double)], among labels: [String], _ line: Int
  ) throws(RowFault) -> [Double?] {
    var values = [Double?](repeating: nil, count: labels.count)
    for (name, value) in named {
      guard let index = index(ofAnswer: name, among: labels) else {
        throw RowFault(line: line, found: "the label \"\(name)\"", expected: expected)
      }
      guard values[index] == nil else {
        throw RowFault(line: line, found: "the label \"\(name)\" twice", expected: "each label once")
      }
      try Self.checkProbability(value, of: name, line)
      values[index] = value
    }
    return values
  }

  /// The label that an answer names: as it is written, else upper and lower case alike.
  func index(ofAnswer name: String, among labels: [String]) -> Int? {
    if let index = self[name] { return index }
    let lowercased = name.lowercased()
    let alike = labels.indices.filter { labels[$0].lowercased() == lowercased }
    return alike.count == 1 ? alike[0] : nil
  }

  /// Checks that a stated probability is one.
  static func checkProbability(_ value: Double, of name: String, _ line: Int) throws(RowFault) {
    // What rounding leaves over 1 is 1.
    guard value >= 0, value <= 1 + 1e-4 else {
      throw RowFault(
        line: line, found: "the probability \(shown(value)) of \"\(name)\"", expected: "a number from 0 to 1")
    }
  }

  /// A probability as faults show it.
  static func shown(_ value: Double) -> String { "\((value * 1e6).rounded() / 1e6)" }
}

/// Predictor of labels, numbers or sets of labels, one a text or pair.
struct TextPredictor: Predictor {
  private let model: TokenizedModel
  private let family: any TextFamily
  private let settings: PredictionSettings

  /// A predictor.
  ///
  /// - Throws: `TaskError` for windows over texts whose answer is no number a label.
  init(model: TokenizedModel, family: any TextFamily, settings: PredictionSettings) throws {
    (self.model, self.family, self.settings) = (model, family, settings)
    if family.needsPair || family.sequencesPerExample > 1 { try settings.checkNoWindow("pairs of texts") }
  }

  func prepare(_ items: [PredictionItem], limit: Int) throws -> PreparedItems {
    let texts = items.map { TextExample(text: $0.text, pair: $0.pair) }
    try TokenizedModel.checkPairs(
      .texts(texts), config: model.model.config, tokenizer: model.tokenizer, path: model.path)
    if let pooling = settings.window { return try prepare(texts, items, limit: limit, pooling) }
    let examples = try family.examples(texts, of: nil, with: model.tokenizer, maxLength: limit)
    let cut = zip(texts, examples).count { text, example in
      // What is as long as may be is either that long or cut.
      example.length >= limit && model.tokenizer.encode(text.text, pair: text.pair).count > limit
    }
    return PreparedItems(examples: examples, cutCount: cut) { answers(items, $0) }
  }

  /// Texts in windows, whose answers are combined.
  private func prepare(
    _ texts: [TextExample], _ items: [PredictionItem], limit: Int, _ pooling: WindowPooling
  ) throws -> PreparedItems {
    if let item = items.first(where: { $0.pair != nil }) {
      throw TaskError("\(item.place): found a pair of texts; --window reads single texts, so leave it out")
    }
    let stride = settings.docStride ?? limit / 4
    var examples: [EncodedExample] = []
    var places: [Range<Int>] = []
    for text in texts {
      let windows = try model.tokenizer.encodeWindows(
        text.text, truncation: Truncation(maxLength: limit, stride: stride))
      places.append(examples.count..<examples.count + windows.count)
      examples += windows.map { EncodedExample(ids: $0.ids, segments: $0.segments) }
    }
    return PreparedItems(examples: examples) { logits in
      answers(
        items,
        places.map { place in
          place.count == 1 ? logits[place.lowerBound] : family.combined(Array(logits[place]), by: pooling)
        })
    }
  }

  private func answers(_ items: [PredictionItem], _ logits: [[Float]]) -> [PredictedAnswer] {
    let labels = model.model.config.labels
    return zip(items, logits).map { item, logits in
      let text = ([item.text] + (item.pair.map { [$0] } ?? [])).map(inOneCell).joined(separator: "\t")
      var answer = family.answer(logits, labels: labels)
      if let count = settings.topCount, !answer.probabilities.isEmpty {
        let likeliest = answer.likeliest(count)
        answer.line = likeliest.map { "\(inOneCell($0.label))\t\(String(format: "%.4f", $0.value))" }
          .joined(separator: "\t")
        var object = answer.json.objectValue ?? JSONObject()
        object["probabilities"] = .labels(likeliest)
        answer.json = .object(object)
      }
      answer.line += "\t\(text)"
      return answer
    }
  }
}

extension WindowPooling {
  /// The numbers of several windows together, one for each place.
  func combined(_ windows: [[Double]]) -> [Double] {
    guard let first = windows.first else { return [] }
    return first.indices.map { place in
      switch self {
      case .mean: windows.reduce(0) { $0 + $1[place] } / Double(windows.count)
      case .max: windows.reduce(-.infinity) { Swift.max($0, $1[place]) }
      }
    }
  }
}

extension PredictionSettings {
  /// Checks that nobody asked for windows.
  ///
  /// - Throws: `TaskError`.
  func checkNoWindow(_ what: String) throws {
    if window != nil { throw TaskError("--window: the model answers \(what); leave --window out") }
  }
}

/// Classifier of texts: the labels of a model that was trained for one label a text, or for several side by side.
///
/// ```swift
/// let classifier = try Classifier(directory: URL(filePath: "student"))
/// let answer = try classifier("a gripping, funny film")
/// print(answer.label, answer.score)
/// ```
public final class Classifier: @unchecked Sendable {
  // Sendable because the model is loaded for it alone and nobody trains it: a forward pass only reads.

  /// Answer to one text.
  public struct Prediction: Sendable, Equatable {
    /// The likeliest label.
    public let label: String
    /// Probability of the label, 0 to 1.
    public let score: Double
    /// The probability of each label, in the order of `labels`; of labels side by side each by itself.
    public let probabilities: [Double]
    /// The labels that apply: the likeliest, or of labels side by side those more likely than not.
    public let labels: [String]
  }

  /// The labels in the order of the model's outputs.
  public let labels: [String]
  private let model: TokenizedModel
  private let family: any TextFamily

  /// Loads a folder with a trained classifier.
  ///
  /// - Throws: What loading throws; `TaskError` when the model answers something else.
  public init(directory: URL) throws {
    model = try TokenizedModel(directory.path)
    let config = model.model.config
    guard let family = config.taskFamily as? any TextFamily, family.hasLabels,
      !model.model.startsWithFreshHead
    else {
      throw TaskError(
        "\(directory.path) is trained for \(config.taskFamily.purpose) of the kind "
          + "\(config.taskFamily.kind.rawValue); expected a model with a trained head for labels of texts")
    }
    self.family = family
    labels = config.labels
  }

  /// Labels texts, cut at the model's length.
  ///
  /// - Throws: `TokenizerError.truncation` when the model's length leaves no room.
  public func callAsFunction(_ texts: [String]) throws -> [Prediction] {
    let examples = try model.encode(texts.map { TextExample(text: $0) }, limit: model.lengthLimit())
    return model.logits(of: examples).map { logits in
      let probabilities = family.probabilities(logits)
      let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
      return Prediction(
        label: labels[best], score: probabilities[best], probabilities: probabilities,
        labels: family.form == .independentLabels
          ? zip(labels, logits).compactMap { $1 > 0 ? $0 : nil } : [labels[best]])
    }
  }

  /// Labels one text.
  public func callAsFunction(_ text: String) throws -> Prediction { try self([text])[0] }
}
