import Datasets
import Foundation
import Tasks
import TestSupport
import Testing

@Suite("Task definitions")
struct TaskDefinitionTests {
  private func decode(_ json: String) throws -> TaskDefinition {
    try JSONDecoder().decode(TaskDefinition.self, from: Data(json.utf8))
  }

  private func faults(_ json: String) throws -> [String] {
    let error = try #require(throws: DatasetError.self) { try decode(json) }
    guard case .invalidTask(_, let faults, _) = error else { return ["\(error)"] }
    return faults
  }

  @Test("decode with the defaults of a classification task")
  func decodeMinimal() throws {
    let task = try decode(
      #"{"name": "mine", "train_file": "a.tsv", "text_column": "text", "labels": ["no", "yes"]}"#)
    #expect(task.kind == .classification && task.format == .tsv && task.header)
    #expect(task.metrics == ["accuracy"] && task.maxSequenceLength == 128)
    #expect(task.labelColumn == .name("label"))
    #expect(task.labelIndex(ofRawValue: "yes") == 1 && task.labelIndex(ofRawValue: "1") == nil)
  }

  @Test("the value of a file that means a label: the smallest of several, else the label")
  func rawValues() {
    let task = TaskDefinition(
      name: "t", labels: ["no", "yes", "maybe"], labelValues: ["0": "no", "-1": "no", "1": "yes"])
    #expect(["no", "yes", "maybe"].map { task.rawValue(ofLabel: $0) } == ["-1", "1", "maybe"])
  }

  @Test("decode every key, and encode to the same again")
  func roundTrip() throws {
    let task = try decode(
      #"""
      {"name": "cola", "kind": "pair", "description": "d", "language": "en", "format": "csv", "header": false,
       "train_file": "train.tsv", "validation_file": "dev.tsv",
       "test_file": {"path": "test.tsv", "header": true, "text_column": "sentence", "text_pair_column": "b",
         "label_column": "l"},
       "unlabelled_file": {"path": "pool.jsonl", "format": "jsonl", "text_column": "s", "text_pair_column": "t",
         "label_column": "l"},
       "text_column": 3, "text_pair_column": 4, "label_column": 1, "labels": ["no", "yes"],
       "label_values": {"0": "no", "1": "yes"}, "metrics": ["matthews_correlation", "f1"],
       "max_seq_length": 64, "drop_train_duplicates": true,
       "defaults": {"learning_rate": 2e-5, "num_train_epochs": 3, "per_device_train_batch_size": 32,
         "warmup_ratio": 0.1, "lr_scheduler_type": "cosine"}}
      """#)
    #expect(task.testFile?.header == true && task.testFile?.textColumn == .name("sentence"))
    #expect(task.textColumn == .index(3) && task.defaults.learningRate == 2e-5)
    #expect(task.labelIndex(ofRawValue: "1") == 1)
    let encoded = try JSONEncoder().encode(task)
    #expect(try JSONDecoder().decode(TaskDefinition.self, from: encoded) == task)
  }

  @Test("report every fault in one message")
  func everyFault() throws {
    let faults = try faults(
      #"""
      {"name": "bad", "format": "tvs", "train_files": "x.tsv", "validation_file": {"pth": "y.tsv"},
       "text_column": "text", "labels": ["a", "a"], "label_values": {"1": "b"}, "metrics": ["acc"],
       "max_seq_length": "long", "defaults": {"learning_rate": -1, "epochs": 3}}
      """#)
    let expected = [
      "train_files is not a known key; did you mean train_file?",
      "format is \"tvs\", expected one of tsv, csv, jsonl, json, text, conll, squad",
      "validation_file: pth is not a known key; did you mean path?", "validation_file: path is missing",
      "max_seq_length cannot be read, expected a whole number",
      "labels: \"a\" is given twice", "label_values: \"1\" means \"b\", which is not one of the labels a, a",
      "metrics: \"acc\" is not known; known are accuracy, f1, f1_macro, f1_micro, matthews_correlation",
    ]
    for fault in expected { #expect(faults.contains(fault), "missing: \(fault) in \(faults)") }
    #expect(faults.contains { $0.hasPrefix("defaults: epochs is not a known key") })
  }

  @Test("report what is missing once, without what follows from it")
  func missing() throws {
    #expect(
      try faults(#"{"train_file": "a.tsv"}"#).sorted() == [
        "labels is missing", "name is missing", "text_column is missing",
      ])
  }

  @Test("report values out of range")
  func ranges() throws {
    let faults = try faults(
      #"""
      {"name": "bad", "kind": "pair", "format": "jsonl", "train_file": "x", "text_column": 0,
       "labels": ["a", "b", "c"], "metrics": ["f1"], "max_seq_length": 2,
       "defaults": {"learning_rate": 0, "per_device_train_batch_size": 0, "warmup_ratio": 2}}
      """#)
    #expect(faults.contains("text_pair_column is missing, but the kind is pair"))
    #expect(faults.contains("text_column is a position, but JSON lines have keys; give a name"))
    #expect(faults.contains { $0.hasPrefix("metrics: f1 scores the second of exactly 2 labels, found 3") })
    #expect(faults.contains { $0.hasPrefix("max_seq_length is 2") })
    #expect(faults.contains("defaults: learning_rate is 0.0, expected a number above 0"))
    #expect(faults.contains("defaults: per_device_train_batch_size is 0, expected at least 1"))
    #expect(faults.contains("defaults: warmup_ratio is 2.0, expected a number from 0 to 1"))
  }

  @Test("a column name needs a header")
  func headerless() throws {
    let faults = try faults(
      #"{"name": "a", "header": false, "train_file": "x", "text_column": "t", "labels": ["a", "b"]}"#)
    #expect(
      faults.contains("text_column is \"t\", but train_file has no header; give its position counted from 0"))
  }

  @Test("each kind has its usual settings, and encodes to the same again", arguments: TaskKind.allCases)
  func kinds(kind: TaskKind) throws {
    let labels = kind.hasLabels ? #", "labels": ["x", "y"]"# : ""
    let columns =
      [.pair, .sentenceSimilarity].contains(kind)
      ? #", "text_column": "a", "text_pair_column": "b""# : #", "text_column": "a""#
    let hasColumn = kind != .questionAnswering && kind != .maskedLanguageModel
    let task = try decode(
      #"{"name": "k", "kind": "\#(kind.rawValue)", "train_file": "f"\#(labels)\#(hasColumn ? columns : "")}"#)
    let usual: [TaskKind: (DataFormat, String, Int, Int)] = [
      .classification: (.tsv, "accuracy", 128, 2), .pair: (.tsv, "accuracy", 128, 2),
      .regression: (.tsv, "pearson", 128, 1), .multiLabel: (.tsv, "f1_micro", 128, 2),
      .tokenClassification: (.conll, "overall_f1", 128, 5), .questionAnswering: (.squad, "f1", 384, 2),
      .sentenceSimilarity: (.tsv, "spearmanr", 128, 0), .maskedLanguageModel: (.text, "perplexity", 128, 0),
    ]
    let expected = try #require(usual[kind])
    #expect((task.format, task.metrics[0], task.maxSequenceLength, task.labelCount) == expected)
    let encoded = try JSONEncoder().encode(task)
    #expect(try JSONDecoder().decode(TaskDefinition.self, from: encoded) == task)
  }

  @Test("the settings of each kind survive a round trip")
  func kindSettings() throws {
    let json = [
      #"""
      {"name": "n", "kind": "token_classification", "train_file": "f", "labels": ["PER"], "scheme": "BIOES",
       "input_scheme": "IOB1", "label_all_tokens": true, "strip_segment_digits": true, "doc_stride": 7,
       "text_column": 1, "label_column": 2}
      """#,
      #"""
      {"name": "q", "kind": "question_answering", "format": "jsonl", "train_file": "f", "question_column": "q",
       "context_column": "c", "answer_column": "a", "max_query_length": 5, "max_answer_length": 6, "n_best_size": 7,
       "version_2_with_negative": true, "null_score_diff_threshold": -1.5, "metrics": ["exact"]}
      """#,
      #"""
      {"name": "m", "kind": "masked_lm", "train_file": "f", "mlm_probability": 0.2, "whole_word_mask": true,
       "word_list_file": "w.txt", "line_by_line": true}
      """#,
      #"""
      {"name": "l", "kind": "multi_label", "train_file": "f", "text_column": "t", "labels": ["a", "b"],
       "label_columns": ["a", "b"], "label_separator": "|"}
      """#,
      #"""
      {"name": "r", "kind": "regression", "train_file": "f", "text_column": "t", "label_range": [0, 5],
       "extra_files": {"validation_hard": "g"}}
      """#,
    ]
    let tasks = try json.map(decode)
    #expect(
      tasks[0].entities
        == EntitySettings(scheme: .bioes, inputScheme: .iob1, labelAllTokens: true, stripSegmentDigits: true))
    #expect(tasks[0].outputLabels == ["O", "B-PER", "I-PER", "E-PER", "S-PER"])
    #expect(
      tasks[1].questions.nullScoreDiffThreshold == -1.5 && tasks[1].questions.contextColumn == .name("c"))
    #expect(
      tasks[2].masking
        == MaskingSettings(probability: 0.2, wholeWords: true, wordListFile: "w.txt", isLineByLine: true))
    #expect(tasks[3].labelColumns == [.name("a"), .name("b")])
    #expect(tasks[4].labelRange == 0...5 && tasks[4].parts(of: .validation) == ["hard"])
    for task in tasks {
      let encoded = try JSONEncoder().encode(task)
      #expect(try JSONDecoder().decode(TaskDefinition.self, from: encoded) == task)
    }
  }

  @Test(
    "the metrics of answers are those of one script, which knows questions without an answer or does not",
    arguments: [
      (false, ["f1"], nil), (false, ["exact_match", "f1"], nil), (false, ["EM", "F1"], nil),
      (true, ["exact", "NoAns_f1", "best_f1", "best_f1_thresh"], nil), (true, ["f1"], nil),
      (
        true, ["exact_match", "f1"],
        "found exact_match, f1, expected all of SQuAD 2.0's script (f1, exact, HasAns_exact"
      ), (true, ["F1"], "since version_2_with_negative is true"),
      (
        false, ["f1", "EM"],
        "found f1, EM, expected all of SQuAD 1.1's script (f1, exact_match) or all of CMRC 2018's script ("
      ), (false, ["exact"], "need version_2_with_negative: true"),
      (true, ["best_exact_thresh", "f1"], "the first, best_exact_thresh, is a threshold"),
    ] as [(Bool, [String], String?)])
  func answerMetrics(negative: Bool, metrics: [String], fault: String?) throws {
    let names = metrics.map { "\"\($0)\"" }.joined(separator: ", ")
    let json =
      #"{"name": "q", "kind": "question_answering", "train_file": "f", "version_2_with_negative": \#(negative), "#
      + #""metrics": [\#(names)]}"#
    guard let fault else {
      #expect(try decode(json).metrics == metrics)
      return
    }
    let found = try faults(json)
    #expect(found.count == 1 && found[0].contains(fault), "\(found)")
  }

  @Test("keys and values that do not suit the kind are faults")
  func kindFaults() throws {
    let entities = try faults(
      #"""
      {"name": "n", "kind": "token_classification", "format": "tsv", "train_file": "f", "labels": ["O", "B-PER"],
       "label_range": [0, 1], "text_pair_column": "b", "scheme": "BIIO", "metrics": ["f1"], "doc_stride": 126,
       "label_values": {"7": "I-LOC"}, "extra_files": {"dev": "x"}}
      """#)
    #expect(entities.contains("label_range means nothing to a task of kind token_classification"))
    #expect(entities.contains("text_pair_column means nothing to a task of kind token_classification"))
    #expect(entities.contains("scheme is \"BIIO\", expected one of BIO, IOB1, BIOES, BMES"))
    #expect(
      entities.contains(
        "train_file has the format tsv, but files of kind token_classification are conll, jsonl, json"))
    #expect(entities.contains { $0.hasPrefix("labels: \"O\" is a tag, expected types of entities") })
    #expect(entities.contains { $0.hasPrefix("label_values: \"7\" means \"I-LOC\"") })
    #expect(entities.contains { $0.hasPrefix("metrics: \"f1\" is not known; known are overall_f1") })
    #expect(
      entities.contains { $0.hasPrefix("doc_stride is 126, expected at least 0 and less than the 126") })
    #expect(
      entities.contains(
        "extra_files: dev belongs to no split; begin it with one, as in validation_mismatched"))
    let questions = try faults(
      #"""
      {"name": "q", "kind": "question_answering", "format": "jsonl", "train_file": "f", "question_column": 0,
       "labels": ["a"], "n_best_size": 0, "scheme": "BIO"}
      """#)
    #expect(questions.contains("labels means nothing to a task of kind question_answering"))
    #expect(questions.contains("question_column is a position, but JSON lines have keys; give a name"))
    #expect(questions.contains("n_best_size is 0, expected at least 1"))
    let masking = try faults(
      #"{"name": "m", "kind": "masked_lm", "train_file": "f", "mlm_probability": 1.5, "word_list_file": "w"}"#
    )
    #expect(masking.count == 2)
    let range = try faults(
      #"{"name": "r", "kind": "regression", "train_file": "f", "text_column": "t", "label_range": [5, 0]}"#)
    #expect(
      range == ["label_range is [5.0, 0.0], expected the lowest and the highest number, such as [0, 5]"])
    let columns = try faults(
      #"""
      {"name": "l", "kind": "multi_label", "train_file": "f", "text_column": "t", "labels": ["a", "b"],
       "label_columns": ["a"]}
      """#)
    #expect(columns == ["label_columns has 1 columns, expected one for each of the 2 labels"])
  }
}

@Suite("Task catalogue")
struct TaskCatalogTests {
  @Test("finds tasks by name and by path, and lists what it knows otherwise")
  func search() throws {
    let first = try TemporaryFolder(["sst2.yaml": "a"])
    let second = try TemporaryFolder(["sst2.yaml": "b", "cola.yaml": "c", "notes.txt": ""])
    let catalog = TaskCatalog(folders: [first.url, second.url])
    #expect(try catalog.url(for: "sst2").path == first.url.appending(path: "sst2.yaml").path)
    #expect(try catalog.url(for: "SST-2").path == first.url.appending(path: "sst2.yaml").path)
    #expect(try catalog.url(for: "CoLA").path == second.url.appending(path: "cola.yaml").path)
    #expect(try catalog.url(for: second.path("sst2.yaml")).path == second.path("sst2.yaml"))
    #expect(catalog.names == ["cola", "sst2"])
    let error = try #require(throws: DatasetError.self) { try catalog.url(for: "mnli") }
    #expect(error.description.contains("Known tasks: cola, sst2."))
    #expect(throws: DatasetError.self) { try catalog.url(for: "no/such.yaml") }
  }

  @Test("looks in POTSTILL_TASKS, the working directory and around the executable")
  func standardFolders() throws {
    let catalog = TaskCatalog(
      environment: ["POTSTILL_TASKS": "/a:b"], workingDirectory: URL(filePath: "/w/"),
      executable: URL(filePath: "/opt/p/bin/potstill"))
    let paths = catalog.folders.map { $0.standardizedFileURL.path }
    #expect(
      Array(paths.prefix(4)) == ["/a", "/w/b", "/w/tasks", "/opt/p/share/potstill/tasks"])
    #expect(paths.contains("/opt/p/tasks"))
  }
}
