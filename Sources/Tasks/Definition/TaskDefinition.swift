public import Datasets

/// A task: which files hold which texts and labels, how it is scored, and what suits it; one YAML file of `tasks/`.
///
/// Keys are snake case, spelled as Hugging Face's `run_glue` and GLUE's own files spell them where they have a name for it.
/// Decoding checks the whole definition and throws one `DatasetError.invalidTask` that lists every fault.
public struct TaskDefinition: Sendable, Hashable {
  /// The name that `--task` takes.
  public var name: String
  /// Kind of the task: what it asks of a model.
  public var kind: TaskKind
  /// A line for lists of tasks.
  public var summary: String?
  /// The language of the texts as a BCP 47 tag, such as `en` or `zh`; information only.
  public var language: String?
  /// Id of the data set on the Hugging Face hub, such as `nyu-mll/glue`; information only.
  public var datasetName: String?
  /// Configuration of that data set, such as `sst2`; information only.
  public var datasetConfigName: String?
  /// Format of the rows.
  public var format: DataFormat
  /// Whether the first row names the columns; JSON lines need no header.
  public var header: Bool
  /// Labelled rows to train on.
  public var trainFile: DataFile?
  /// Labelled rows to score on during and after training.
  public var validationFile: DataFile?
  /// Share of the training file that is scored on where there is no validation file.
  public var heldOut: HeldOutShare?
  /// Rows to predict or, where they have labels, to score on at the very end.
  public var testFile: DataFile?
  /// Rows without labels that a teacher can label during distillation.
  public var unlabelledFile: DataFile?
  /// Further files of a split by a name that begins with the split's: `validation_mismatched` for MNLI.
  public var extraFiles: [String: DataFile]
  /// The column of the text.
  public var textColumn: ColumnReference
  /// The column of the second text of a pair.
  public var textPairColumn: ColumnReference?
  /// The column of the label.
  public var labelColumn: ColumnReference
  /// The columns of a multi-label task that has a 0 or 1 for each label, in the order of `labels`.
  public var labelColumns: [ColumnReference]?
  /// Separator of the labels of a multi-label task in one cell.
  public var labelSeparator: String
  /// The numbers that a regression task allows, ends included.
  public var labelRange: ClosedRange<Double>?
  /// The label names in the order of the model's outputs; for token classification the types of entities.
  public var labels: [String]
  /// Labels that raw values of the file mean; a value that is itself a label name needs no entry.
  public var labelValues: [String: String]
  /// The metrics, the first of which decides which checkpoint is best.
  public var metrics: [String]
  /// The longest input in tokens, special tokens included.
  public var maxSequenceLength: Int
  /// The tokens that two windows over a text too long for the model have in common.
  public var docStride: Int
  /// Settings of a token classification task.
  public var entities: EntitySettings
  /// Settings of a question answering task.
  public var questions: QuestionSettings
  /// Settings of how a masked language model's tokens are hidden.
  public var masking: MaskingSettings
  /// Whether validation and test rows whose text occurs in the training file are left out (and counted).
  public var dropTrainDuplicates: Bool
  /// Hyper-parameters that suit the task.
  public var defaults: TaskDefaults

  /// A definition with the usual settings of its kind; `validate()` checks it.
  ///
  /// Where nil is given, the kind decides: TSV and `accuracy` for classification, CoNLL's columns and `overall_f1` for
  /// token classification, SQuAD's JSON and 384 tokens for question answering, windows that share 128 tokens (32 for
  /// token classification) or half of a small window.
  public init(
    name: String, kind: TaskKind = .classification, summary: String? = nil, language: String? = nil,
    datasetName: String? = nil, datasetConfigName: String? = nil, format: DataFormat? = nil,
    header: Bool = true, trainFile: DataFile? = nil,
    validationFile: DataFile? = nil, heldOut: HeldOutShare? = nil, testFile: DataFile? = nil,
    unlabelledFile: DataFile? = nil,
    extraFiles: [String: DataFile] = [:], textColumn: ColumnReference = .name("text"),
    textPairColumn: ColumnReference? = nil, labelColumn: ColumnReference = .name("label"),
    labelColumns: [ColumnReference]? = nil, labelSeparator: String = ",",
    labelRange: ClosedRange<Double>? = nil, labels: [String] = [], labelValues: [String: String] = [:],
    metrics: [String]? = nil, maxSequenceLength: Int? = nil, docStride: Int? = nil,
    entities: EntitySettings = EntitySettings(), questions: QuestionSettings = QuestionSettings(),
    masking: MaskingSettings = MaskingSettings(), dropTrainDuplicates: Bool = false,
    defaults: TaskDefaults = TaskDefaults()
  ) {
    self.name = name
    self.kind = kind
    self.summary = summary
    self.language = language
    (self.datasetName, self.datasetConfigName) = (datasetName, datasetConfigName)
    let family = kind.family
    self.format = format ?? family.formats[0]
    self.header = header
    self.trainFile = trainFile
    self.validationFile = validationFile
    self.heldOut = heldOut
    self.testFile = testFile
    self.unlabelledFile = unlabelledFile
    self.extraFiles = extraFiles
    self.textColumn = textColumn
    self.textPairColumn = textPairColumn
    self.labelColumn = labelColumn
    self.labelColumns = labelColumns
    self.labelSeparator = labelSeparator
    self.labelRange = labelRange
    self.labels = labels
    self.labelValues = labelValues
    self.metrics = metrics ?? [kind.knownMetrics[0]]
    self.maxSequenceLength = maxSequenceLength ?? family.usualLength
    self.entities = entities
    self.questions = questions
    self.masking = masking
    self.dropTrainDuplicates = dropTrainDuplicates
    self.defaults = defaults
    // Lengths that cannot be are found by `validate()`, and have no room.
    self.docStride = 0
    let room = areLengths ? self.maxSequenceLength - family.windowFrame(of: self) : 0
    self.docStride = docStride ?? min(family.usualStride ?? 32, max(room / 2, 0))
  }

  /// The numbers of tokens that a length can be.
  static let lengths = EncodedExample.lengths

  /// Whether the lengths that the room of a window follows from can be.
  var areLengths: Bool { [maxSequenceLength, questions.maxQueryLength].allSatisfy(Self.lengths.contains) }

  /// Whether there are labelled rows to score on: a validation file, or a share of the training file.
  public var hasValidation: Bool { validationFile != nil || heldOut != nil }

  /// The names of a model's outputs in order: the labels, for token classification the tags of its scheme; empty where
  /// outputs have no names.
  public var outputLabels: [String] { kind.family.outputLabels(of: self) }

  /// The labels of a model for this task; nil where the head has none of its own.
  public var modelLabels: [String]? { kind.family.modelLabels(of: self) }

  /// The number of outputs a model for this task has: for each sequence, or for each token where the kind asks about
  /// tokens (two for question answering: start and end); 0 for a masked language model, whose vocabulary decides.
  public var labelCount: Int { kind.family.outputCount(of: self) }

  /// The tags of a token classification task: its scheme over its types of entities.
  public var tagSet: TagSet { TagSet(scheme: entities.scheme, types: labels) }

  /// The index of the label that a raw value of a file means, nil when it means none.
  public func labelIndex(ofRawValue raw: String) -> Int? {
    labels.firstIndex(of: labelValues[raw] ?? raw)
  }

  /// The value by which the task's files mean a label, of several the first in sorted order; the label where it has none.
  public func rawValue(ofLabel label: String) -> String {
    labelValues.filter { $0.value == label }.keys.min() ?? label
  }
}

/// Settings of how a masked language model's tokens are hidden; the keys stand in the recipe itself, named as in `run_mlm`.
public struct MaskingSettings: Sendable, Hashable {
  /// The part of the tokens that the model must guess, above 0 and below 1; `mlm_probability`.
  public var probability: Double
  /// Whether all pieces of a word are hidden together; `whole_word_mask`.
  public var wholeWords: Bool
  /// A file of words, one a line, by which Chinese characters are put together to words; `word_list_file`.
  public var wordListFile: String?
  /// Whether each line is a sequence of its own, rather than lines packed end to end; `line_by_line`.
  public var isLineByLine: Bool

  /// BERT's settings.
  public init(
    probability: Double = 0.15, wholeWords: Bool = false, wordListFile: String? = nil,
    isLineByLine: Bool = false
  ) {
    self.probability = probability
    self.wholeWords = wholeWords
    self.wordListFile = wordListFile
    self.isLineByLine = isLineByLine
  }

  var faults: [String] {
    var faults: [String] = []
    if !(probability > 0 && probability < 1) {
      faults.append("mlm_probability is \(probability), expected a number above 0 and below 1")
    }
    if wordListFile != nil && !wholeWords {
      faults.append("word_list_file is given, but whole_word_mask is false, so that nothing reads it")
    }
    return faults
  }
}
