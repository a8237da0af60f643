import Foundation
import ModelFormats

extension TaskDefinition.CodingKeys {
  /// The meaning of the key, in a sentence.
  package var help: String {
    switch self {
    case .name: "The name, for messages and tables."
    case .kind: "What is asked of a model: \(TaskKind.allCases.map(\.rawValue).joined(separator: ", "))."
    case .summary: "A line about the task, for people."
    case .language: "The language of the texts, such as en or zh; information only."
    case .datasetName:
      "The id of the data set on the Hugging Face hub, such as nyu-mll/glue, for model cards."
    case .datasetConfigName: "The configuration of that data set, such as sst2, for model cards."
    case .format:
      "How rows are written: tsv, csv, jsonl, json, text, conll or squad; a file can end in .gz or .zst."
    case .header: "Whether the first row of a TSV or CSV file names the columns."
    case .trainFile:
      "Labelled rows to train on: a path, or a mapping with path and what differs (format, header, columns)."
    case .validationFile: "Labelled rows to score on during and after training."
    case .validationSplitPercentage:
      "The share of train_file that is held out to score on where there is no validation_file."
    case .validationSplitSeed: "The seed that draws those rows."
    case .testFile: "Rows to predict, or to score on at the very end."
    case .unlabelledFile: "Rows without labels, which a teacher can label."
    case .extraFiles: "Further files by a name that begins with their split, such as validation_mismatched."
    case .textColumn: "The column (or JSON key) of the text; a number counts columns from 0."
    case .textPairColumn: "The column of the second text of a pair."
    case .labelColumn: "The column of the label."
    case .labelColumns: "Columns with a 0 or 1 for each label, in the order of labels (multi_label)."
    case .labelSeparator: "What stands between several labels in one cell (multi_label)."
    case .labelRange: "The lowest and the highest number that is allowed (regression)."
    case .labels:
      "The labels in the order of the model's outputs; the types of entities for token_classification."
    case .labelValues: "Labels that other values of the file mean, such as {0: negative, 1: positive}."
    case .metrics: "The scores; the first decides which checkpoint is best."
    case .maxSequenceLength: "The longest input in tokens, special tokens included."
    case .docStride: "Tokens that two windows over a long text have in common."
    case .scheme: "How the model's tags mark entities: BIO, IOB1, BIOES or BMES."
    case .inputScheme: "How the file's tags mark them, where that differs."
    case .labelAllTokens: "Whether every piece of a word has a tag, not its first alone."
    case .stripSegmentDigits: "Whether a digit behind each character is no part of it, as in Weibo's files."
    case .questionColumn: "The JSON key of the question."
    case .contextColumn: "The JSON key of the passage."
    case .answerColumn: "The JSON key of the answers."
    case .maxQueryLength: "The most tokens of a question."
    case .maxAnswerLength: "The most tokens of an answer."
    case .nBestSize: "The number of starts and ends that are combined into answers."
    case .version2WithNegative: "Whether some questions have no answer, as in SQuAD 2.0."
    case .nullScoreDiffThreshold: "How much better than the best answer \"no answer\" must score to be given."
    case .maskingProbability: "The part of the tokens that a model must guess (masked_lm)."
    case .wholeWordMask: "Whether all pieces of a word are hidden together (masked_lm)."
    case .wordListFile: "A file of Chinese words, one a line, for whole_word_mask (masked_lm)."
    case .lineByLine: "Whether each line is a sequence of its own (masked_lm)."
    case .dropTrainDuplicates: "Whether validation and test rows that occur in train_file are left out."
    case .defaults:
      "Training options that suit the task, such as {learning_rate: 5.0e-5, num_train_epochs: 3}; options go before them."
    }
  }
}

extension TaskDefinition {
  /// The task as a YAML file that a person goes on with: each setting behind a comment that explains it.
  ///
  /// - Parameter comments: Lines for the top.
  /// - Throws: Nothing that a valid task leads to.
  package func commentedYAML(_ comments: [String]) throws -> String {
    let object = try JSONValue(parsing: Array(JSONEncoder().encode(self))).objectValue ?? JSONObject()
    var lines = comments.map { "# \($0)" }
    for key in CodingKeys.allCases {
      guard let value = object[key.rawValue] else { continue }
      lines += ["", "# \(key.help)", "\(key.rawValue): \(value.yamlScalar)"]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension JSONValue {
  /// The value on one line of YAML: JSON is YAML, and plain words need no quotes.
  package var yamlScalar: String {
    guard let text = stringValue else { return compactText }
    let isPlain = text.wholeMatch(of: /[A-Za-z\/][A-Za-z0-9_.\/-]*/) != nil
    let means = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(text.lowercased())
    return isPlain && !means ? text : compactText
  }
}
