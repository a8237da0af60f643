/// A task: which files hold which texts and labels, how it is scored, and what suits it; one YAML file of `tasks/`.
///
/// Keys are snake case, spelled as Hugging Face's `run_glue` and GLUE's own files spell them where they have a name for it.
/// Decoding checks the whole definition and throws one `TaskDataError.invalidTask` that lists every fault.
public struct TaskDefinition: Sendable, Hashable {
  /// The name that `--task` takes.
  public var name: String
  /// What the task asks of a model.
  public var kind: TaskKind
  /// A line for lists of tasks.
  public var summary: String?
  /// The language of the texts as a BCP 47 tag, such as `en` or `zh`; information only.
  public var language: String?
  /// How the rows are written.
  public var format: DataFormat
  /// Whether the first row names the columns; JSON lines need no header.
  public var header: Bool
  /// Labelled rows to train on.
  public var trainFile: DataFile?
  /// Labelled rows to score on during and after training.
  public var validationFile: DataFile?
  /// Rows to predict or, where they have labels, to score on at the very end.
  public var testFile: DataFile?
  /// Rows without labels that a teacher can label during distillation.
  public var unlabelledFile: DataFile?
  /// The column of the text.
  public var textColumn: ColumnReference
  /// The column of the second text of a pair.
  public var textPairColumn: ColumnReference?
  /// The column of the label.
  public var labelColumn: ColumnReference
  /// The label names in the order of the model's outputs.
  public var labels: [String]
  /// Which label a raw value of the file means; a value that is itself a label name needs no entry.
  public var labelValues: [String: String]
  /// The metrics, the first of which decides which checkpoint is best.
  public var metrics: [String]
  /// The longest input in tokens, special tokens included.
  public var maxSequenceLength: Int
  /// Whether validation and test rows whose text occurs in the training file are left out (and counted).
  public var dropTrainDuplicates: Bool
  /// Hyper-parameters that suit the task.
  public var defaults: TaskDefaults

  /// A definition with the usual settings of a classification task; `validate()` checks it.
  public init(
    name: String, kind: TaskKind = .classification, summary: String? = nil, language: String? = nil,
    format: DataFormat = .tsv, header: Bool = true, trainFile: DataFile? = nil,
    validationFile: DataFile? = nil, testFile: DataFile? = nil, unlabelledFile: DataFile? = nil,
    textColumn: ColumnReference, textPairColumn: ColumnReference? = nil,
    labelColumn: ColumnReference = .name("label"), labels: [String], labelValues: [String: String] = [:],
    metrics: [String] = ["accuracy"], maxSequenceLength: Int = 128, dropTrainDuplicates: Bool = false,
    defaults: TaskDefaults = TaskDefaults()
  ) {
    self.name = name
    self.kind = kind
    self.summary = summary
    self.language = language
    self.format = format
    self.header = header
    self.trainFile = trainFile
    self.validationFile = validationFile
    self.testFile = testFile
    self.unlabelledFile = unlabelledFile
    self.textColumn = textColumn
    self.textPairColumn = textPairColumn
    self.labelColumn = labelColumn
    self.labels = labels
    self.labelValues = labelValues
    self.metrics = metrics
    self.maxSequenceLength = maxSequenceLength
    self.dropTrainDuplicates = dropTrainDuplicates
    self.defaults = defaults
  }

  /// The number of outputs a model for this task has.
  public var labelCount: Int { labels.count }

  /// The index of the label that a raw value of a file means, nil when it means none.
  public func labelIndex(ofRawValue raw: String) -> Int? {
    labels.firstIndex(of: labelValues[raw] ?? raw)
  }
}
