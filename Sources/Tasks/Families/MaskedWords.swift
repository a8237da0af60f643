package import Datasets
package import Encoders
import ModelFormats
import Tensors
package import Tokenization

/// Family of tasks of masked words in plain text, which is streamed.
package struct MaskedWords: TaskFamily {
  /// The family.
  package init() {}

  package var name: String { "masked_lm" }
  package var metrics: [String] { ["perplexity", "accuracy"] }
  package var formats: [DataFormat] { [.text] }
  package var hasLabels: Bool { false }
  package var purpose: String { "masked words" }
  package var takesPerturbations: Bool { false }
  /// All metrics, which are reported whatever the task asks for.
  package func decidingScores(of task: TaskDefinition) -> [String] { metrics }
  package var keys: Set<TaskDefinition.CodingKeys> {
    [.maskingProbability, .wholeWordMask, .wordListFile, .lineByLine]
  }
  package var head: TaskHead { .maskedLanguageModel }
  package func modelLabels(of task: TaskDefinition) -> [String]? { nil }
  /// 0: the vocabulary decides.
  package func outputCount(of task: TaskDefinition) -> Int { 0 }
  package func columnFaults(of task: TaskDefinition) -> [String] { [] }
  package func settingFaults(of task: TaskDefinition) -> [String] { task.masking.faults }

  package func usage(of task: TaskDefinition, config: EncoderConfig) -> ModelUsage {
    let sample = ModelUsage.Sample(of: task)
    return ModelUsage(
      pipelineTag: "fill-mask",
      python: [
        "from transformers import pipeline", "", "fill = pipeline(\"fill-mask\", model=\"MODEL\")",
        "print(fill(f\"\(sample.masked("{fill.tokenizer.mask_token}"))\"))",
      ], question: "f\"\(sample.masked("{tokenizer.mask_token}"))\"",
      swift: [
        "import Foundation", "import Potstill", "",
        "// To go on with: the encoder, with a fresh head for a task of your own.",
        "let model = try TaskModel(",
        "  directory: URL(filePath: \"MODEL\"), head: .sequenceClassification, labels: [\"bad\", \"good\"])",
        "print(model.parameterCount)",
      ], command: nil)
  }

  package func read(
    _ split: DataSplit, part: String?, by reader: TaskReader
  ) throws(DatasetError) -> TaskRows {
    throw wrongKind(reader)
  }

  package func stream(
    _ split: DataSplit, by reader: TaskReader, progress: (_ rows: Int) -> Void,
    _ body: (TaskExamples) throws -> Void
  ) throws -> String {
    throw wrongKind(reader)
  }

  private func wrongKind(_ reader: TaskReader) -> DatasetError {
    .wrongKind(
      task: reader.task.name, kind: kind.rawValue,
      expected: TaskKind.allCases.filter { $0 != kind }.map(\.rawValue))
  }

  package func encode(
    _ rows: TaskExamples, of task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> EncodedTask {
    EncodedTask(try EncodedExample.encode(rows.texts, with: tokenizer, maxLength: maxLength), task: task)
  }

  package func align(
    _ rows: TaskExamples, _ student: EncodedTask, by sides: AlignedSides
  ) throws(TokenizerError) -> [AlignedExample] {
    preconditionFailure("Masked words have no rows whose tokens could be aligned.")
  }

  package func targets(of batch: Batch) -> any TaskTargets { ClassTargets(maskedWords: batch.tags) }

  package var rows: AnswerRows { .asked }
  package var namesOutputs: Bool { false }
  package var answersWithTokens: Bool { true }
  package func predictor(of model: TokenizedModel, settings: PredictionSettings) throws -> any Predictor {
    throw TaskError(
      "\(model.path) fills in masked words, which predict does not do; expected a trained task model")
  }
  package func chance(_ evaluation: TaskEvaluation, on data: EncodedTask) -> ChanceComparison? { nil }
}

extension TaskKind {
  /// Masked-token prediction on plain text.
  public static let maskedLanguageModel = TaskKind(MaskedWords())
}
