public import Datasets

/// Data file of a task: its path, and what differs from the task's own settings.
///
/// In a recipe it is a path (`train_file: train.tsv`) or, where the file has another layout than the rest
/// (CoLA's test file has a header, its train file none), a mapping with `path` and the settings to override.
public struct DataFile: Sendable, Hashable {
  /// The path, relative to the data folder.
  public var path: String
  /// Overrides the task's `format`.
  public var format: DataFormat?
  /// Overrides the task's `header`.
  public var header: Bool?
  /// Overrides the task's `text_column`.
  public var textColumn: ColumnReference?
  /// Overrides the task's `text_pair_column`.
  public var textPairColumn: ColumnReference?
  /// Overrides the task's `label_column`.
  public var labelColumn: ColumnReference?

  /// A file that overrides only what is given.
  public init(
    _ path: String, format: DataFormat? = nil, header: Bool? = nil, textColumn: ColumnReference? = nil,
    textPairColumn: ColumnReference? = nil, labelColumn: ColumnReference? = nil
  ) {
    self.path = path
    self.format = format
    self.header = header
    self.textColumn = textColumn
    self.textPairColumn = textPairColumn
    self.labelColumn = labelColumn
  }

  private var isPlain: Bool {
    format == nil && header == nil && textColumn == nil && textPairColumn == nil && labelColumn == nil
  }
}

extension DataFile: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case path, format, header
    case textColumn = "text_column"
    case textPairColumn = "text_pair_column"
    case labelColumn = "label_column"
  }

  /// Decodes a path, or a mapping with `path` and overrides; an unknown key is an error.
  public init(from decoder: any Decoder) throws {
    if let single = try? decoder.singleValueContainer(), let path = try? single.decode(String.self) {
      self.init(path)
      return
    }
    var faults = FieldFaults(try decoder.container(keyedBy: AnyCodingKey.self), prefix: "")
    faults.rejectUnknown(CodingKeys.allCases.map(\.rawValue))
    self.init(
      faults.required(CodingKeys.path.rawValue) ?? "",
      format: faults.choice(CodingKeys.format.rawValue),
      header: faults.optional(CodingKeys.header.rawValue),
      textColumn: faults.optional(CodingKeys.textColumn.rawValue),
      textPairColumn: faults.optional(CodingKeys.textPairColumn.rawValue),
      labelColumn: faults.optional(CodingKeys.labelColumn.rawValue))
    if !faults.faults.isEmpty { throw FieldFaults.Nested(faults: faults.faults) }
  }

  /// Encodes a path where nothing is overridden, else a mapping.
  public func encode(to encoder: any Encoder) throws {
    if isPlain {
      var single = encoder.singleValueContainer()
      try single.encode(path)
      return
    }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(path, forKey: .path)
    try container.encodeIfPresent(format, forKey: .format)
    try container.encodeIfPresent(header, forKey: .header)
    try container.encodeIfPresent(textColumn, forKey: .textColumn)
    try container.encodeIfPresent(textPairColumn, forKey: .textPairColumn)
    try container.encodeIfPresent(labelColumn, forKey: .labelColumn)
  }
}

extension DataFile: ExpressibleByStringLiteral {
  /// A path that overrides nothing.
  public init(stringLiteral path: String) { self.init(path) }
}

/// Hyper-parameters that suit a task, under Hugging Face's names; what a recipe or a flag says goes first.
public struct TaskDefaults: Sendable, Hashable {
  /// The peak learning rate, above 0.
  public var learningRate: Double?
  /// The passes over the training data, above 0.
  public var numTrainEpochs: Double?
  /// Sequences a training step, at least 1.
  public var perDeviceTrainBatchSize: Int?
  /// Sequences an evaluation batch, at least 1.
  public var perDeviceEvalBatchSize: Int?
  /// The part of the steps that warm the learning rate up, 0 to 1.
  public var warmupRatio: Double?
  /// The decay of AdamW, at least 0.
  public var weightDecay: Double?
  /// The name of the schedule, such as `linear`.
  public var lrSchedulerType: String?

  /// Defaults of which all may be missing.
  public init(
    learningRate: Double? = nil, numTrainEpochs: Double? = nil, perDeviceTrainBatchSize: Int? = nil,
    perDeviceEvalBatchSize: Int? = nil, warmupRatio: Double? = nil, weightDecay: Double? = nil,
    lrSchedulerType: String? = nil
  ) {
    self.learningRate = learningRate
    self.numTrainEpochs = numTrainEpochs
    self.perDeviceTrainBatchSize = perDeviceTrainBatchSize
    self.perDeviceEvalBatchSize = perDeviceEvalBatchSize
    self.warmupRatio = warmupRatio
    self.weightDecay = weightDecay
    self.lrSchedulerType = lrSchedulerType
  }

  private static let batchSizes = 1...1_000_000

  var faults: [String] {
    var faults: [String] = []
    func check(_ name: String, _ value: Double?, _ expected: String, _ isGood: (Double) -> Bool) {
      guard let value, !(value.isFinite && isGood(value)) else { return }
      faults.append("\(name) is \(value), expected \(expected)")
    }
    func check(_ name: String, _ value: Int?) {
      guard let value, !Self.batchSizes.contains(value) else { return }
      faults.append(
        "\(name) is \(value), expected \(value < 1 ? "at least 1" : "at most \(Self.batchSizes.upperBound)")")
    }
    check("learning_rate", learningRate, "a number above 0") { $0 > 0 }
    check("num_train_epochs", numTrainEpochs, "a number above 0 and at most a million") {
      $0 > 0 && $0 <= 1e6
    }
    check("per_device_train_batch_size", perDeviceTrainBatchSize)
    check("per_device_eval_batch_size", perDeviceEvalBatchSize)
    check("warmup_ratio", warmupRatio, "a number from 0 to 1") { $0 >= 0 && $0 <= 1 }
    check("weight_decay", weightDecay, "a number of at least 0") { $0 >= 0 }
    return faults
  }
}

extension TaskDefaults: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case learningRate = "learning_rate"
    case numTrainEpochs = "num_train_epochs"
    case perDeviceTrainBatchSize = "per_device_train_batch_size"
    case perDeviceEvalBatchSize = "per_device_eval_batch_size"
    case warmupRatio = "warmup_ratio"
    case weightDecay = "weight_decay"
    case lrSchedulerType = "lr_scheduler_type"
  }

  /// Decodes what is given; an unknown key or a value out of range is an error.
  public init(from decoder: any Decoder) throws {
    var fields = FieldFaults(try decoder.container(keyedBy: AnyCodingKey.self), prefix: "")
    fields.rejectUnknown(CodingKeys.allCases.map(\.rawValue))
    self.init(
      learningRate: fields.optional(CodingKeys.learningRate.rawValue),
      numTrainEpochs: fields.optional(CodingKeys.numTrainEpochs.rawValue),
      perDeviceTrainBatchSize: fields.optional(CodingKeys.perDeviceTrainBatchSize.rawValue),
      perDeviceEvalBatchSize: fields.optional(CodingKeys.perDeviceEvalBatchSize.rawValue),
      warmupRatio: fields.optional(CodingKeys.warmupRatio.rawValue),
      weightDecay: fields.optional(CodingKeys.weightDecay.rawValue),
      lrSchedulerType: fields.optional(CodingKeys.lrSchedulerType.rawValue))
    if !fields.faults.isEmpty { throw FieldFaults.Nested(faults: fields.faults) }
  }
}
