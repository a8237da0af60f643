extension TaskDefinition: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, kind
    case summary = "description"
    case language, format, header
    case trainFile = "train_file"
    case validationFile = "validation_file"
    case testFile = "test_file"
    case unlabelledFile = "unlabelled_file"
    case textColumn = "text_column"
    case textPairColumn = "text_pair_column"
    case labelColumn = "label_column"
    case labels
    case labelValues = "label_values"
    case metrics
    case maxSequenceLength = "max_seq_length"
    case dropTrainDuplicates = "drop_train_duplicates"
    case defaults
  }

  /// Decodes and validates; throws `TaskDataError` with every fault.
  ///
  /// Yams wraps it in a `DecodingError`; `TaskDataError(decoding:)` gets it back.
  public init(from decoder: any Decoder) throws {
    var fields = FieldFaults(try decoder.container(keyedBy: AnyCodingKey.self), prefix: "")
    func key(_ key: CodingKeys) -> String { key.rawValue }
    let name: String = fields.required(key(.name)) ?? ""
    let kind: TaskKind? = fields.choice(key(.kind))
    if let kind, !kind.isSupported { throw TaskDataError.unsupportedKind(task: name, kind: kind) }
    fields.rejectUnknown(CodingKeys.allCases.map(\.rawValue))
    let text: ColumnReference? = fields.required(key(.textColumn))
    let labels: [String]? = fields.required(key(.labels))
    let format: DataFormat = fields.choice(key(.format)) ?? .tsv
    self.init(
      name: name, kind: kind ?? .classification, summary: fields.optional(key(.summary)),
      language: fields.optional(key(.language)), format: format,
      header: fields.optional(key(.header)) ?? true, trainFile: fields.optional(key(.trainFile)),
      validationFile: fields.optional(key(.validationFile)), testFile: fields.optional(key(.testFile)),
      unlabelledFile: fields.optional(key(.unlabelledFile)), textColumn: text ?? .name("text"),
      textPairColumn: fields.optional(key(.textPairColumn)),
      labelColumn: fields.optional(key(.labelColumn)) ?? .name("label"), labels: labels ?? ["0", "1"],
      labelValues: fields.optional(key(.labelValues)) ?? [:],
      metrics: fields.optional(key(.metrics)) ?? ["accuracy"],
      maxSequenceLength: fields.optional(key(.maxSequenceLength)) ?? 128,
      dropTrainDuplicates: fields.optional(key(.dropTrainDuplicates)) ?? false,
      defaults: fields.optional(key(.defaults)) ?? TaskDefaults())
    // Three fields had to be given a stand-in where they could not be read; what that breaks is no further fault.
    var silenced: [String] = []
    if name.isEmpty { silenced.append("name ") }
    if text == nil { silenced += ["text_column ", "text_pair_column is the same"] }
    if labels == nil { silenced += ["labels", "label_values", "metrics: f1"] }
    let broken = faults.filter { fault in !silenced.contains { fault.hasPrefix($0) } }
    let all = fields.faults + broken
    if !all.isEmpty { throw TaskDataError.invalidTask(name: name, faults: all) }
  }

  /// Encodes every setting under its key of a recipe; what is missing stays missing.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(kind, forKey: .kind)
    try container.encodeIfPresent(summary, forKey: .summary)
    try container.encodeIfPresent(language, forKey: .language)
    try container.encode(format, forKey: .format)
    try container.encode(header, forKey: .header)
    try container.encodeIfPresent(trainFile, forKey: .trainFile)
    try container.encodeIfPresent(validationFile, forKey: .validationFile)
    try container.encodeIfPresent(testFile, forKey: .testFile)
    try container.encodeIfPresent(unlabelledFile, forKey: .unlabelledFile)
    try container.encode(textColumn, forKey: .textColumn)
    try container.encodeIfPresent(textPairColumn, forKey: .textPairColumn)
    try container.encode(labelColumn, forKey: .labelColumn)
    try container.encode(labels, forKey: .labels)
    if !labelValues.isEmpty { try container.encode(labelValues, forKey: .labelValues) }
    try container.encode(metrics, forKey: .metrics)
    try container.encode(maxSequenceLength, forKey: .maxSequenceLength)
    try container.encode(dropTrainDuplicates, forKey: .dropTrainDuplicates)
    if defaults != TaskDefaults() { try container.encode(defaults, forKey: .defaults) }
  }
}
