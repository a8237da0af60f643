public import TaskData

/// One data file of a task: its path, and what differs from the task's own settings.
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
