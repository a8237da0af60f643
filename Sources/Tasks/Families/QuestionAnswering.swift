public import Datasets
package import Encoders
import Evaluation
import Foundation
import Kernels
import ModelFormats
import Tensors
public import Tokenization

/// Family of tasks whose answers are spans of passages (SQuAD, CMRC 2018).
package struct QuestionAnswering: TaskFamily {
  package var name: String { "question_answering" }
  package var metrics: [String] { AnswerScript.allMetrics }
  package var scoreScale: Double { 100 }
  package var formats: [DataFormat] { [.squad, .jsonl, .json] }
  package var hasLabels: Bool { false }
  package var keys: Set<TaskDefinition.CodingKeys> {
    [
      .docStride, .questionColumn, .contextColumn, .answerColumn, .maxQueryLength, .maxAnswerLength,
      .nBestSize,
      .version2WithNegative, .nullScoreDiffThreshold,
    ]
  }
  package var purpose: String { "question answering" }
  package var usualLength: Int { 384 }
  /// No: answers stand at places of their passage, which a change moves.
  package var takesPerturbations: Bool { false }
  package var usualStride: Int? { 128 }
  package func windowFrame(of task: TaskDefinition) -> Int { task.questions.maxQueryLength + 3 }
  package var head: TaskHead { .questionAnswering }
  package func modelLabels(of task: TaskDefinition) -> [String]? { nil }
  /// 2: start and end.
  package func outputCount(of task: TaskDefinition) -> Int { 2 }

  package func columnFaults(of task: TaskDefinition) -> [String] {
    task.keyFaults([
      ("question_column", task.questions.questionColumn), ("context_column", task.questions.contextColumn),
      ("answer_column", task.questions.answerColumn),
    ])
  }

  package func metricFaults(of task: TaskDefinition) -> [String] {
    [
      AnswerScript.fault(
        of: task.metrics.filter(metrics.contains), allowsNoAnswer: task.questions.version2WithNegative)
    ].compactMap { $0 }
  }

  package func settingFaults(of task: TaskDefinition) -> [String] { task.questions.faults }

  package func usage(of task: TaskDefinition, config: EncoderConfig) -> ModelUsage {
    let sample = ModelUsage.Sample(of: task)
    return ModelUsage(
      pipelineTag: "question-answering",
      python: [
        "import torch", "from transformers import AutoModelForQuestionAnswering, AutoTokenizer", "",
        "tokenizer = AutoTokenizer.from_pretrained(\"MODEL\")",
        "model = AutoModelForQuestionAnswering.from_pretrained(\"MODEL\")",
        "inputs = tokenizer(\"\(sample.question)\", \"\(sample.passage)\", return_tensors=\"pt\")",
        "with torch.no_grad():", "    outputs = model(**inputs)",
        "start, end = outputs.start_logits.argmax(), outputs.end_logits.argmax()",
        "print(tokenizer.decode(inputs[\"input_ids\"][0, start : end + 1]))",
      ], question: "\"\(sample.question)\", \"\(sample.passage)\"",
      swift: [
        "import Foundation", "import Potstill", "",
        "let reader = try Reader(directory: URL(filePath: \"MODEL\"))",
        "print(try reader(\"\(sample.question)\", in: \"\(sample.passage)\").text)",
      ],
      command:
        "echo '{\"question\": \"\(sample.question)\", \"context\": \"\(sample.passage)\"}' | potstill predict --model MODEL"
    )
  }

  package func read(
    _ split: DataSplit, part: String?, by reader: TaskReader
  ) throws(DatasetError) -> TaskRows {
    TaskRows(try reader.readQuestions(split, part: part), as: TaskExamples.questions)
  }

  package func stream(
    _ split: DataSplit, by reader: TaskReader, progress: (_ rows: Int) -> Void,
    _ body: (TaskExamples) throws -> Void
  ) throws -> String {
    try reader.stream(
      split, reader.questionParser(split), as: TaskExamples.questions, progress: progress, body)
  }

  package func encode(
    _ rows: TaskExamples, of task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> EncodedTask {
    let questions = rows.questions
    let windows = try QuestionWindow.encode(
      questions, task: task.fitting(maxLength), with: tokenizer, maxLength: maxLength)
    return EncodedTask(
      windows.map(\.example), task: task, rowCount: questions.count, places: .questions(windows)
    ) { logits in
      try score(logits, questions, windows, of: task)
    }
  }

  package func align(
    _ rows: TaskExamples, _ student: EncodedTask, by sides: AlignedSides
  ) throws(TokenizerError) -> [AlignedExample] {
    let questions = rows.questions
    guard case .questions(let windows) = student.places else {
      preconditionFailure("The student's examples must be of these questions.")
    }
    return try AlignedExample.all(windows.count) { (index) throws(TokenizerError) in
      let window = windows[index]
      return try AlignedExample(
        window, of: questions[window.question], maxQueryLength: student.task.questions.maxQueryLength,
        by: sides)
    }
  }

  package func targets(of batch: Batch) -> any TaskTargets {
    SpanTargets(firsts: batch.spanStarts, lasts: batch.spanEnds)
  }

  package var rows: AnswerRows { .tokens }
  package var form: LogitsForm { .positions }
  package var namesOutputs: Bool { false }

  package func predictor(of model: TokenizedModel, settings: PredictionSettings) throws -> any Predictor {
    try settings.checkNoWindow("questions, whose passages are read in windows already")
    return AnswerPredictor(model, settings: settings.questions)
  }

  package func chance(_ evaluation: TaskEvaluation, on data: EncodedTask) -> ChanceComparison? {
    ChanceComparison(evaluation, metric: ["f1", "F1"], chance: 1)
  }

  /// The answers to questions and their scores, by the script that the task's metrics belong to.
  private func score(
    _ logits: [[Float]], _ questions: [Question], _ windows: [QuestionWindow], of task: TaskDefinition
  ) throws -> (TaskPredictions, [Score]) {
    let decoder = SpanDecoder(task.questions)
    var ofQuestion = [[SpanWindow]](repeating: [], count: questions.count)
    for (window, row) in zip(windows, logits) {
      ofQuestion[window.question].append(SpanWindow(window, logits: row))
    }
    let answers = concurrentMap(questions.count) { [ofQuestion] index in
      decoder.answer(context: questions[index].context, windows: ofQuestion[index])
    }
    let predictions = zip(questions, answers).map { (id: $0.id, prediction: $1) }
    let isLabelled = questions.contains { $0.isImpossible || !$0.answers.isEmpty }
    return (.answers(predictions), isLabelled ? try score(predictions, of: questions, task) : [])
  }

  private func score(
    _ predictions: [(id: String, prediction: SpanPrediction)], of questions: [Question],
    _ task: TaskDefinition
  ) throws -> [Score] {
    let texts = Dictionary(predictions.map { ($0.id, $0.prediction.text) }) { first, _ in first }
    let gold = questions.map { GoldQuestion(id: $0.id, answers: $0.answers.map(\.text)) }
    let odds = predictions.map { id, prediction in
      (id: id, probability: prediction.nullScoreDiff.map { Double($0) } ?? .greatestFiniteMagnitude)
    }
    let metric: AnswerMetric =
      task.isScoredAsCMRC ? .cmrc2018 : task.questions.version2WithNegative ? .squadV2 : .squad
    // The odds are for the best thresholds; the plain scores are those of the predictions as they stand.
    let found = try metric.score(
      predictions: texts, questions: gold, noAnswerProbabilities: odds, noAnswerThreshold: .infinity
    ).scores
    return try task.metrics.compactMap { name -> Score? in
      if let value = found[name]?.doubleValue { return Score(name, value) }
      // SQuAD 2.0's script leaves out the part that no question belongs to.
      if name.hasPrefix("HasAns_") || name.hasPrefix("NoAns_") { return nil }
      throw EvaluationError.unknownMetric(name, known: found.keys)
    }
  }
}

extension QuestionWindow {
  /// Tokenizes the questions of a task with the task's own settings.
  ///
  /// - Parameter maxLength: The largest number of tokens, nil for the task's `max_seq_length`.
  /// - Throws: `TokenizerError.truncation` when the length leaves too little room.
  public static func encode(
    _ questions: [Question], task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int? = nil
  ) throws(TokenizerError) -> [QuestionWindow] {
    try encode(
      questions, with: tokenizer, maxLength: maxLength ?? task.maxSequenceLength, stride: task.docStride,
      maxQueryLength: task.questions.maxQueryLength)
  }
}

extension SpanDecoder {
  /// A decoder with a task's settings.
  package init(_ settings: QuestionSettings) {
    self.init(
      nBestSize: settings.nBestSize, maxAnswerLength: settings.maxAnswerLength,
      allowsNoAnswer: settings.version2WithNegative,
      nullScoreDiffThreshold: Float(settings.nullScoreDiffThreshold))
  }
}

extension SpanWindow {
  /// A window with its logits, row-major [length, 2].
  package init(_ window: QuestionWindow, logits: [Float]) {
    let length = window.example.length
    self.init(
      startLogits: (0..<length).map { logits[2 * $0] }, endLogits: (0..<length).map { logits[2 * $0 + 1] },
      offsets: (0..<length).map { window.offset(ofToken: $0) })
  }
}

extension TaskKind {
  /// A span of a passage that answers a question (SQuAD, CMRC 2018).
  public static let questionAnswering = TaskKind(QuestionAnswering())
}

/// The official scripts that score answers to questions; a task is scored by one of them.
enum AnswerScript {
  /// SQuAD 1.1's evaluate-v1.1.py.
  case squad
  /// SQuAD 2.0's evaluate-v2.0.py, the only one that knows questions without an answer.
  case squadV2
  /// CMRC 2018's cmrc2018_evaluate.py, of DRCD too.
  case cmrc2018

  /// The script's name for messages.
  var title: String {
    switch self {
    case .squad: "SQuAD 1.1"
    case .squadV2: "SQuAD 2.0"
    case .cmrc2018: "CMRC 2018"
    }
  }

  /// The scores it gives, as it spells them; the usual one first.
  var metrics: [String] {
    switch self {
    case .squad: ["f1", "exact_match"]
    case .squadV2:
      [
        "f1", "exact", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1", "best_exact",
        "best_exact_thresh", "best_f1", "best_f1_thresh",
      ]
    case .cmrc2018: ["AVERAGE", "F1", "EM"]
    }
  }

  /// The scores of all scripts, each once.
  static var allMetrics: [String] {
    squad.metrics + squadV2.metrics.filter { !squad.metrics.contains($0) } + cmrc2018.metrics
  }

  /// Fault of the metrics of a task, nil when one script gives them all.
  ///
  /// - Parameters:
  ///   - metrics: Names of which each is known to some script.
  ///   - allowsNoAnswer: Whether questions may have no answer, which decides between the scripts.
  static func fault(of metrics: [String], allowsNoAnswer: Bool) -> String? {
    let scripts: [AnswerScript] = allowsNoAnswer ? [.squadV2] : [.squad, .cmrc2018]
    if scripts.contains(where: { script in metrics.allSatisfy(script.metrics.contains) }) { return nil }
    let expected = scripts.map { "\($0.title)'s script (\($0.metrics.joined(separator: ", ")))" }
      .joined(separator: " or all of ")
    let reason =
      allowsNoAnswer
      ? ", since version_2_with_negative is true"
      : "; those of SQuAD 2.0 need version_2_with_negative: true"
    return "metrics: found \(metrics.joined(separator: ", ")), expected all of \(expected)\(reason)"
  }
}

extension TaskDefinition {
  /// Whether CMRC 2018's script scores the answers, as the names of the metrics say.
  package var isScoredAsCMRC: Bool { metrics.contains { AnswerScript.cmrc2018.metrics.contains($0) } }
}
