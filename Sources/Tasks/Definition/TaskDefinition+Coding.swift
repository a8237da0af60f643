import Datasets

extension TaskDefinition: Codable {
  package enum CodingKeys: String, CodingKey, CaseIterable {
    case name, kind
    case summary = "description"
    case language
    case datasetName = "dataset_name"
    case datasetConfigName = "dataset_config_name"
    case format, header
    case trainFile = "train_file"
    case validationFile = "validation_file"
    case validationSplitPercentage = "validation_split_percentage"
    case validationSplitSeed = "validation_split_seed"
    case testFile = "test_file"
    case unlabelledFile = "unlabelled_file"
    case extraFiles = "extra_files"
    case textColumn = "text_column"
    case textPairColumn = "text_pair_column"
    case labelColumn = "label_column"
    case labelColumns = "label_columns"
    case labelSeparator = "label_separator"
    case labelRange = "label_range"
    case labels
    case labelValues = "label_values"
    case metrics
    case maxSequenceLength = "max_seq_length"
    case docStride = "doc_stride"
    case scheme
    case inputScheme = "input_scheme"
    case labelAllTokens = "label_all_tokens"
    case stripSegmentDigits = "strip_segment_digits"
    case questionColumn = "question_column"
    case contextColumn = "context_column"
    case answerColumn = "answer_column"
    case maxQueryLength = "max_query_length"
    case maxAnswerLength = "max_answer_length"
    case nBestSize = "n_best_size"
    case version2WithNegative = "version_2_with_negative"
    case nullScoreDiffThreshold = "null_score_diff_threshold"
    case maskingProbability = "mlm_probability"
    case wholeWordMask = "whole_word_mask"
    case wordListFile = "word_list_file"
    case lineByLine = "line_by_line"
    case dropTrainDuplicates = "drop_train_duplicates"
    case defaults

    /// The keys that mean something to a task of any kind.
    private static let common: Set<CodingKeys> = [
      .name, .kind, .summary, .language, .datasetName, .datasetConfigName, .format, .header, .trainFile,
      .validationFile,
      .validationSplitPercentage, .validationSplitSeed, .testFile,
      .unlabelledFile,
      .extraFiles, .metrics, .maxSequenceLength, .defaults,
    ]

    /// Whether the key means something to a family of tasks.
    func means(to family: any TaskFamily) -> Bool { Self.common.contains(self) || family.keys.contains(self) }
  }

  /// Decodes and validates; throws `DatasetError` with every fault.
  ///
  /// Yams wraps it in a `DecodingError`; `DatasetError(decoding:)` gets it back.
  public init(from decoder: any Decoder) throws {
    var fields = FieldFaults(try decoder.container(keyedBy: AnyCodingKey.self), prefix: "")
    func key(_ key: CodingKeys) -> String { key.rawValue }
    let name: String = fields.required(key(.name)) ?? ""
    let kind = fields.choice(key(.kind)) ?? TaskKind.classification
    let family = kind.family
    fields.rejectUnknown(CodingKeys.allCases.map(\.rawValue))
    fields.reject(
      CodingKeys.allCases.filter { !$0.means(to: family) }.map(\.rawValue),
      because: "means nothing to a task of kind \(kind.rawValue)")
    let text: ColumnReference? =
      kind.hasTextRows ? fields.required(key(.textColumn)) : fields.optional(key(.textColumn))
    let labels: [String]? = kind.hasLabels ? fields.required(key(.labels)) : nil
    self.init(
      name: name, kind: kind, summary: fields.optional(key(.summary)),
      language: fields.optional(key(.language)), datasetName: fields.optional(key(.datasetName)),
      datasetConfigName: fields.optional(key(.datasetConfigName)), format: fields.choice(key(.format)),
      header: fields.optional(key(.header)) ?? true, trainFile: fields.optional(key(.trainFile)),
      validationFile: fields.optional(key(.validationFile)), heldOut: fields.heldOut(),
      testFile: fields.optional(key(.testFile)),
      unlabelledFile: fields.optional(key(.unlabelledFile)),
      extraFiles: fields.optional(key(.extraFiles)) ?? [:], textColumn: text ?? .name("text"),
      textPairColumn: fields.optional(key(.textPairColumn)),
      labelColumn: fields.optional(key(.labelColumn)) ?? .name("label"),
      labelColumns: fields.optional(key(.labelColumns)),
      labelSeparator: fields.optional(key(.labelSeparator)) ?? ",",
      labelRange: fields.range(key(.labelRange)),
      labels: labels ?? (kind.hasLabels ? ["0", "1"] : []),
      labelValues: fields.optional(key(.labelValues)) ?? [:], metrics: fields.optional(key(.metrics)),
      maxSequenceLength: fields.optional(key(.maxSequenceLength)),
      docStride: fields.optional(key(.docStride)), entities: EntitySettings(&fields),
      questions: QuestionSettings(&fields), masking: MaskingSettings(&fields),
      dropTrainDuplicates: fields.optional(key(.dropTrainDuplicates)) ?? false,
      defaults: fields.optional(key(.defaults)) ?? TaskDefaults())
    // Three fields had to be given a stand-in where they could not be read; what that breaks is no further fault.
    var silenced: [String] = []
    if name.isEmpty { silenced.append("name ") }
    if text == nil { silenced += ["text_column ", "text_pair_column is the same"] }
    if labels == nil { silenced += ["labels", "label_values", "label_columns", "metrics: f1"] }
    let broken = faults.filter { fault in !silenced.contains { fault.hasPrefix($0) } }
    let all = fields.faults + broken
    if !all.isEmpty { throw DatasetError.invalidTask(name: name, faults: all) }
  }

  /// Encodes every setting that means something to the kind under its key of a recipe; what is missing stays missing.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    let family = kind.family
    func put(_ key: CodingKeys, _ value: (some Encodable)?) throws {
      if key.means(to: family) { try container.encodeIfPresent(value, forKey: key) }
    }
    try put(.name, name)
    try put(.kind, kind)
    try put(.summary, summary)
    try put(.language, language)
    try put(.datasetName, datasetName)
    try put(.datasetConfigName, datasetConfigName)
    try put(.format, format)
    try put(.header, header)
    try put(.trainFile, trainFile)
    try put(.validationFile, validationFile)
    try put(.validationSplitPercentage, heldOut?.percentage)
    try put(.validationSplitSeed, heldOut?.seed)
    try put(.testFile, testFile)
    try put(.unlabelledFile, unlabelledFile)
    try put(.extraFiles, extraFiles.isEmpty ? nil : extraFiles)
    try put(.textColumn, textColumn)
    try put(.textPairColumn, textPairColumn)
    try put(.labelColumn, labelColumn)
    try put(.labelColumns, labelColumns)
    try put(.labelSeparator, labelSeparator)
    try put(.labelRange, labelRange.map { [$0.lowerBound, $0.upperBound] })
    try put(.labels, labels)
    try put(.labelValues, labelValues.isEmpty ? nil : labelValues)
    try put(.metrics, metrics)
    try put(.maxSequenceLength, maxSequenceLength)
    try put(.docStride, docStride)
    try put(.scheme, entities.scheme)
    try put(.inputScheme, entities.inputScheme)
    try put(.labelAllTokens, entities.labelAllTokens)
    try put(.stripSegmentDigits, entities.stripSegmentDigits)
    try put(.questionColumn, questions.questionColumn)
    try put(.contextColumn, questions.contextColumn)
    try put(.answerColumn, questions.answerColumn)
    try put(.maxQueryLength, questions.maxQueryLength)
    try put(.maxAnswerLength, questions.maxAnswerLength)
    try put(.nBestSize, questions.nBestSize)
    try put(.version2WithNegative, questions.version2WithNegative)
    try put(.nullScoreDiffThreshold, questions.nullScoreDiffThreshold)
    try put(.maskingProbability, masking.probability)
    try put(.wholeWordMask, masking.wholeWords)
    try put(.wordListFile, masking.wordListFile)
    try put(.lineByLine, masking.isLineByLine)
    try put(.dropTrainDuplicates, dropTrainDuplicates)
    try put(.defaults, defaults == TaskDefaults() ? nil : defaults)
  }
}
