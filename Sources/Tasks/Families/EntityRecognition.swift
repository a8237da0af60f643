public import Datasets
package import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tensors
public import Tokenization

/// Family of tasks with one tag a word: named entities.
package struct EntityRecognition: TaskFamily {
  package var name: String { "token_classification" }
  package var metrics: [String] { ["overall_f1", "overall_precision", "overall_recall", "overall_accuracy"] }
  package var formats: [DataFormat] { [.conll, .jsonl, .json] }
  package var hasLabels: Bool { true }
  package var keys: Set<TaskDefinition.CodingKeys> {
    [
      .labels, .labelValues, .docStride, .scheme, .inputScheme, .labelAllTokens, .stripSegmentDigits,
      .textColumn,
      .labelColumn,
    ]
  }
  package var usualStride: Int? { 32 }
  package var textKey: String { "words" }
  package var purpose: String { "token classification" }

  /// The task's metrics and, as `run_ner` reports it, F1 of each type.
  package func decidingScores(of task: TaskDefinition) -> [String] {
    task.decidingMetrics + task.labels.map { $0 + "_f1" }
  }

  package var head: TaskHead { .tokenClassification }
  package func outputLabels(of task: TaskDefinition) -> [String] { task.tagSet.names }

  package var leastLabels: Int { 1 }
  package func labelFaults(of task: TaskDefinition) -> [String] {
    guard let tag = task.labels.first(where: { $0 == "O" || $0.hasPrefix("B-") }) else { return [] }
    return ["labels: \"\(tag)\" is a tag, expected types of entities such as PER; scheme makes their tags"]
  }

  package func meanings(of task: TaskDefinition) -> [String] {
    TagSet(scheme: task.inputScheme, types: task.labels).names
  }

  package func columnFaults(of task: TaskDefinition) -> [String] {
    task.keyFaults([("text_column", task.textColumn), ("label_column", task.labelColumn)])
  }

  package func usage(of task: TaskDefinition, config: EncoderConfig) -> ModelUsage {
    let text = ModelUsage.Sample(of: task).entities
    return ModelUsage(
      pipelineTag: "token-classification",
      python: [
        "from transformers import pipeline", "",
        "tag = pipeline(\"token-classification\", model=\"MODEL\", aggregation_strategy=\"simple\")",
        "print(tag(\"\(text)\"))",
      ], question: "\"\(text)\"",
      swift: [
        "import Foundation", "import Potstill", "",
        "let tagger = try Tagger(directory: URL(filePath: \"MODEL\"))",
        "for entity in try tagger(\"\(text)\") { print(entity.type, entity.text, entity.score) }",
      ], command: "echo '\(text)' | potstill predict --model MODEL")
  }

  package func read(
    _ split: DataSplit, part: String?, by reader: TaskReader
  ) throws(DatasetError) -> TaskRows {
    TaskRows(try reader.readSentences(split, part: part), as: TaskExamples.sentences)
  }

  package func stream(
    _ split: DataSplit, by reader: TaskReader, progress: (_ rows: Int) -> Void,
    _ body: (TaskExamples) throws -> Void
  ) throws -> String {
    try reader.stream(
      split, reader.sentenceParser(split), as: TaskExamples.sentences, progress: progress, body)
  }

  package func encode(
    _ rows: TaskExamples, of task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> EncodedTask {
    let sentences = rows.sentences
    let encoded = try EncodedSentences.encode(
      sentences, task: task.fitting(maxLength), with: tokenizer, maxLength: maxLength)
    return EncodedTask(
      encoded.examples, task: task, rowCount: sentences.count, places: .sentences(encoded)
    ) { logits in
      try score(logits, sentences, encoded, metrics: task.metrics)
    }
  }

  package func align(
    _ rows: TaskExamples, _ student: EncodedTask, by sides: AlignedSides
  ) throws(TokenizerError) -> [AlignedExample] {
    let sentences = rows.sentences
    guard case .sentences(let encoded) = student.places else {
      preconditionFailure("The student's examples must be of these sentences.")
    }
    let words = AlignedWords(sentences, student: sides.studentTokenizer, teacher: sides.teacherTokenizer)
    let frame = SpecialFrame(of: sides.teacherTokenizer)
    guard sides.teacherLength > frame.count else {
      throw .truncation(
        reason:
          "the length \(sides.teacherLength) leaves no room beside the teacher's \(frame.count) special tokens"
      )
    }
    return try AlignedExample.all(encoded.windows.count) { index in
      let window = encoded.windows[index]
      return words.window(
        window, of: sentences[window.sentence], frame: frame, room: sides.teacherLength - frame.count)
    }
  }

  package func targets(of batch: Batch) -> any TaskTargets { ClassTargets(batch.tags) }

  package var rows: AnswerRows { .tokens }

  package func predictor(of model: TokenizedModel, settings: PredictionSettings) throws -> any Predictor {
    try settings.checkNoWindow("entities, whose texts are read in windows already")
    return EntityPredictor(model)
  }

  package func chance(_ evaluation: TaskEvaluation, on data: EncodedTask) -> ChanceComparison? {
    ChanceComparison(evaluation, metric: ["overall_f1"], chance: 0.01)
  }

  /// The probability of the likeliest class of each token.
  private static func probabilities(_ logits: [Float], classCount: Int) -> [Float] {
    stride(from: 0, to: logits.count, by: classCount).map { start in
      let row = logits[start..<start + classCount]
      let largest = row.max() ?? 0
      return 1 / row.reduce(0) { $0 + exp($1 - largest) }
    }
  }

  private func score(
    _ logits: [[Float]], _ rows: [TaggedSentence], _ encoded: EncodedSentences, metrics: [String]
  ) throws -> (TaskPredictions, [Score]) {
    let names = encoded.tagSet.names
    let classes = logits.map { ClassificationMetrics.predictions(logits: $0, classCount: names.count) }
    let predictions = encoded.tags(from: classes).map { $0.map { names[$0] } }
    let probabilities = encoded.decided(logits.map { Self.probabilities($0, classCount: names.count) })
    let answers = zip(zip(rows, predictions), probabilities).map { pair, probabilities in
      // A word without a token is outside, since nothing speaks for an entity.
      (
        words: pair.0.words, references: pair.0.tags?.map { names[$0] }, predictions: pair.1,
        probabilities: probabilities.map { $0 ?? 1 }
      )
    }
    // As run_ner, which sees no word that has no token.
    let labelled = zip(answers, encoded.wordsWithTokens).compactMap { answer, words in
      answer.references.map { references in
        (references: words.map { references[$0] }, predictions: words.map { answer.predictions[$0] })
      }
    }
    if labelled.isEmpty { return (.tags(answers), []) }
    let found = try EntityScores(
      predictions: labelled.map(\.predictions), references: labelled.map(\.references))
    let all = found.json
    var scores = metrics.compactMap { name in all[name]?.doubleValue.map { Score(name, $0) } }
    // Under the names that run_ner gives the types.
    scores += found.types.map { Score("\($0.name)_f1", $0.scores.f1) }
    return (.tags(answers), scores)
  }
}

extension EncodedSentences {
  /// Tokenizes the sentences of a task with the task's own settings.
  ///
  /// - Parameter maxLength: The largest number of tokens, nil for the task's `max_seq_length`.
  /// - Throws: `TokenizerError.truncation` when the length leaves too little room.
  public static func encode(
    _ sentences: [TaggedSentence], task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int? = nil
  ) throws(TokenizerError) -> EncodedSentences {
    try encode(
      sentences, tagSet: task.tagSet, with: tokenizer, maxLength: maxLength ?? task.maxSequenceLength,
      stride: task.docStride, labelAllTokens: task.entities.labelAllTokens)
  }
}

extension TaskKind {
  /// One label for each word (named entities).
  public static let tokenClassification = TaskKind(EntityRecognition())
}
