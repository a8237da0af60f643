import Datasets
import Encoders
import Evaluation
public import Foundation
import ModelFormats
public import Tasks
import Tensors
import Tokenization

/// Models of a finished run, which are loaded again to look into them: attention maps and relations between rows.
///
/// What they give is written into the run folder, of which the report is made. Training never pays for it, and a run of last
/// month can still be asked.
public struct RunModels {
  /// The most rows whose attention is kept.
  public static let attentionLimit = AttentionSheet.rowLimit
  /// The most rows of a graph.
  public static let graphLimit = RelationGraph.rowLimit

  private let run: RecordedRun
  private let form: RunFacts.AnswerForm
  private let task: TaskDefinition
  let student: TokenizedModel
  let teacher: TokenizedModel?

  /// Loads the models of a run.
  ///
  /// - Parameters:
  ///   - folder: The run folder, whose model is the student.
  ///   - teacher: The folder or hub name of the teacher; nil takes the one that the run names, and none where it had none.
  ///   - listener: Hears how far a download has come.
  /// - Throws: `TaskError` where the run answered no rows, or the teacher is no model or is gone; what loading throws.
  public init(of folder: URL, teacher: String? = nil, listener: any WorkListener = SilentListener()) throws {
    run = try RecordedRun(folder)
    let facts = run.facts.task
    guard let form = facts.answers, run.rows != nil, let kind = TaskKind(rawValue: facts.kind) else {
      throw TaskError(
        "\(folder.relativePath) holds no answers to rows; expected a run of train, distill or multitask with validation rows"
      )
    }
    self.form = form
    task = TaskDefinition(
      name: facts.name, kind: kind, labels: facts.labels, metrics: facts.metrics,
      maxSequenceLength: facts.maxSequenceLength)
    student = try TokenizedModel(folder.path, for: kind, listener: listener)
    let named = PlanPicture.teacher(of: run.plan)
    guard let path = teacher ?? named else {
      self.teacher = nil
      return
    }
    guard !AnswersFile.isNamed(path) else {
      throw TaskError(
        "the teacher of \(folder.relativePath) is the file of answers \(path), which cannot be looked into; "
          + "name a model with --teacher")
    }
    do {
      self.teacher = try TokenizedModel(path, for: kind, listener: listener)
    } catch  where teacher == nil {
      throw TaskError(
        "the teacher of \(folder.relativePath) cannot be loaded; name it with --teacher: \(error)")
    }
  }

  /// The student, and the teacher where there is one.
  private var models: [TokenizedModel] { [student] + (teacher.map { [$0] } ?? []) }

  /// The longest input that all models read.
  private var limit: Int {
    models.map { $0.lengthLimit(task.maxSequenceLength) }.min() ?? task.maxSequenceLength
  }

  // MARK: Rows

  /// A row as a model reads it: one example, of a long row the window in which something happens.
  private func example(of row: EvaluatedRow, for model: TokenizedModel) throws -> EncodedExample {
    let rows: TaskExamples =
      switch row.form {
      case .labels, .labelSets, .values: .texts([TextExample(text: row.text, pair: row.pair)])
      case .tags: .sentences([TaggedSentence(words: row.words)])
      case .answers: .questions([Question(id: "", text: row.text, context: row.pair ?? "")])
      }
    let encoded = try model.encode(rows, of: task, limit: limit)
    let window: Int?
    switch encoded.places {
    case .texts: window = nil
    case .sentences(let sentences):
      let other = row.teacher?.texts ?? row.gold ?? row.student.texts
      let word = row.words.indices.first { row.student.texts[$0] != other[$0] } ?? 0
      window = sentences.windows.firstIndex { $0.owned.contains(word) }
    case .questions(let windows):
      let start = (row.student.range ?? row.teacher?.range)?.lowerBound ?? 0
      window = windows.firstIndex { $0.offsets.contains { $0.contains(start) } }
    }
    guard let example = encoded.examples.indices.contains(window ?? 0) ? encoded.examples[window ?? 0] : nil
    else {
      throw TaskError(
        "row \(row.index) of \(run.folder.relativePath) has no tokens; it cannot be looked into")
    }
    return example
  }

  // MARK: Attention

  /// Writes the attention maps of the rows that the report shows first into `attention.json`.
  ///
  /// - Parameter count: The number of rows, 1 ... 12.
  /// - Throws: `TaskError` for a model without attention, and where there are no rows; `FormatError.cannotWrite`.
  public func writeAttention(rows count: Int) throws {
    precondition((1...AttentionSheet.rowLimit).contains(count), "Maps are of 1 to 12 rows, found \(count).")
    for model in models where model.model.config.attentionNames(inLayer: 0) == nil {
      throw TaskError(
        "\(model.path) is a \(model.model.config.architecture.rawValue) and has no attention maps")
    }
    let chosen = try rowsToLookAt(count)
    guard !chosen.isEmpty else { throw TaskError("\(run.folder.relativePath) has no rows to look into") }
    let pairs = AttentionSheet.pairs(
      run.plan, student: student.model.config.layerCount, teacher: teacher?.model.config.layerCount)
    let rows = try chosen.map { row in
      AttentionSheet.Row(
        index: row.index, pairs: pairs,
        student: try maps(of: row, student, layers: pairs.map(\.student)),
        teacher: try teacher.map { try maps(of: row, $0, layers: pairs.map { $0.teacher ?? 0 }) })
    }
    try AttentionSheet(rows: rows).write(to: run.folder)
  }

  /// Rows where the models disagree most, and where too few disagree the first ones of the file.
  private func rowsToLookAt(_ count: Int) throws -> [EvaluatedRow] {
    var most = Disagreements(
      RowScorer(script: run.facts.task.script ?? .squad, labels: run.facts.task.labels))
    var first: [EvaluatedRow] = []
    try run.forEachRow { row in
      most.add(row)
      if first.count < count { first.append(row) }
    }
    let chosen = most.rows.prefix(count).map(\.row)
    let known = Set(chosen.map(\.index))
    return chosen + first.filter { !known.contains($0.index) }.prefix(count - chosen.count)
  }

  /// Attention of a model to a row in some layers, counted from 1.
  private func maps(
    of row: EvaluatedRow, _ model: TokenizedModel, layers: [Int]
  ) throws -> AttentionSheet.Side {
    let example = try example(of: row, for: model)
    let batch = Batch([example], at: [0]).tokens
    let names = layers.compactMap { model.model.config.attentionNames(inLayer: $0 - 1)?.probabilities }
    let output = model.model(batch, taps: names, in: .inference)
    let length = batch.length(0)
    let tokens = batch.ids[batch.rows(of: 0)].map { model.tokenizer.token($0) ?? "\($0)" }
    return AttentionSheet.Side(
      tokens: tokens,
      layers: names.compactMap { output.maps[$0] }.map { maps in
        let values = maps.values.values
        return (0..<maps.heads).map { head in
          Array(values[head * length * length..<(head + 1) * length * length])
        }
      })
  }

  // MARK: Relations

  /// Writes the graph of some rows, spread evenly over those that were evaluated, into `row_graph.json` and `row_graph.graphml`.
  ///
  /// - Parameter count: The number of rows, 2 ... 40.
  /// - Throws: `TaskError` where there are fewer than two rows; `FormatError.cannotWrite`.
  public func writeRowGraph(rows count: Int) throws {
    precondition((2...RelationGraph.rowLimit).contains(count), "A graph is of 2 to 40 rows, found \(count).")
    var total = 0
    try run.forEachRow { _ in total += 1 }
    guard total > 1 else {
      throw TaskError("\(run.folder.relativePath) has \(total) rows; a graph needs two at least")
    }
    let wanted = Set((0..<min(count, total)).map { $0 * total / min(count, total) })
    var (place, nodes): (Int, [RelationGraph.Node]) = (0, [])
    var vectors = [[[Double]]](repeating: [], count: models.count)
    try run.forEachRow { row in
      defer { place += 1 }
      guard wanted.contains(place) else { return }
      for (side, model) in models.enumerated() { vectors[side].append(try vector(of: row, model)) }
      let label = form == .labels || form == .labelSets ? row.gold?.joined(separator: ", ") : nil
      let text = row.words.isEmpty ? row.text : Self.sentence(row.words)
      nodes.append(
        RelationGraph.Node(
          id: "\(place)", label: label, index: row.index,
          text: text.count > 100 ? text.prefix(99) + "…" : text))
    }
    try RelationGraph(
      .rows, .pooled, of: nodes, student: vectors[0], teacher: vectors.count > 1 ? vectors[1] : nil
    ).write(to: run.folder)
  }

  /// Words as a text: between characters of Chinese or Japanese there is no space.
  private static func sentence(_ words: [String]) -> String {
    words.reduce(into: "") { text, word in
      let isWide = [text.unicodeScalars.last, word.unicodeScalars.first].contains {
        ($0?.value ?? 0) >= 0x2E80
      }
      text += text.isEmpty || isWide ? word : " " + word
    }
  }

  /// Vector of a row: what goes into the last layer of a head of sequences, else the mean of the last hidden states.
  private func vector(of row: EvaluatedRow, _ model: TokenizedModel) throws -> [Double] {
    let batch = Batch([try example(of: row, for: model)], at: [0]).tokens
    let output = model.model(batch, in: .inference)
    if let pooled = output.pooled { return pooled.values.map { Double($0) } }
    let states = output.encoder.lastHiddenState
    let (width, values) = (states.shape.lastDimension, states.values)
    let rows = output.encoder.holdsFirstRowsOnly ? 0..<1 : batch.rows(of: 0)
    return (0..<width).map { place in
      rows.reduce(0.0) { $0 + Double(values[$1 * width + place]) } / Double(rows.count)
    }
  }
}
