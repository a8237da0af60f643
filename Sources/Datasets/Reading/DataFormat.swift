import ModelFormats

/// Format of a data file, how its rows are written; the recipe's `format`.
public enum DataFormat: String, Codable, Sendable, CaseIterable {
  /// Tab-separated as GLUE publishes it: no quoting at all, a quote is data.
  case tsv
  /// Comma-separated with double quotes, RFC 4180; a quoted field may span lines.
  case csv
  /// One JSON object a line.
  case jsonl
  /// One list of JSON objects, by itself or as `data` of an object.
  case json
  /// Plain text, one text a line, blank lines skipped; it has room for neither labels nor pairs.
  case text
  /// One word and its tag a line, a blank line between sentences: CoNLL's columns, MSRA's and Weibo's characters.
  case conll
  /// One JSON document of passages with their questions: SQuAD, CMRC 2018, DRCD.
  case squad

  /// Whether rows are JSON objects, whose columns are keys.
  package var holdsObjects: Bool { self == .jsonl || self == .json }
}

/// Layout of the rows of one file: how they are written, and in which columns or under which keys.
package struct RowLayout: Sendable, Equatable {
  /// The format of the rows.
  package var format: DataFormat
  /// Whether the first row names the columns.
  package var header: Bool
  /// The column of the text.
  package var textColumn: ColumnReference
  /// The column of the second text of a pair.
  package var textPairColumn: ColumnReference?
  /// The column of the label.
  package var labelColumn: ColumnReference
  /// The columns of a 0 or 1 for each label; nil where one column has the answer.
  package var labelColumns: [ColumnReference]?

  /// A layout of its parts.
  package init(
    format: DataFormat, header: Bool, textColumn: ColumnReference, textPairColumn: ColumnReference? = nil,
    labelColumn: ColumnReference, labelColumns: [ColumnReference]? = nil
  ) {
    self.format = format
    self.header = header
    self.textColumn = textColumn
    self.textPairColumn = textPairColumn
    self.labelColumn = labelColumn
    self.labelColumns = labelColumns
  }
}

/// A column of a data file: by its name in the header (or key in JSON lines), or by its position counted from 0.
public enum ColumnReference: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The column with this header or key.
  case name(String)
  /// The column at this position, counted from 0.
  case index(Int)

  /// Decodes an integer as a position and any other scalar as a name.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let index = try? container.decode(Int.self) {
      self = .index(index)
    } else {
      self = .name(try container.decode(String.self))
    }
  }

  /// Encodes a position as an integer and a name as a string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .name(let name): try container.encode(name)
    case .index(let index): try container.encode(index)
    }
  }

  /// The column as an error message names it.
  public var description: String {
    switch self {
    case .name(let name): "\"\(name)\""
    case .index(let index): "number \(index) (counted from 0)"
    }
  }
}

/// The numbers that a file gives its own rows in a column `index`, as GLUE's files do.
package struct RowIndices {
  private var numbers: [Int: Int] = [:]
  private var isComplete = true

  /// No rows yet.
  package init() {}

  /// Adds what a row says; nil where it says nothing.
  package mutating func add(_ index: String?, ofRow row: Int) {
    guard let index, let number = wholeNumber(index), number >= 0 else {
      isComplete = false
      return
    }
    numbers[row] = number
  }

  /// The number of each row by its place; nil unless every row has a whole number of its own.
  package var ofRows: [Int: Int]? {
    isComplete && !numbers.isEmpty && Set(numbers.values).count == numbers.count ? numbers : nil
  }
}

/// A part of a task's data.
public enum DataSplit: String, Sendable, CaseIterable, Codable {
  /// Labelled rows to train on.
  case train
  /// Labelled rows to score on.
  case validation
  /// Rows to predict; labels are used where there are any.
  case test
  /// Rows whose labels, if any, are ignored.
  case unlabelled

  /// Whether a row without a label is an error.
  package var needsLabels: Bool { self == .train || self == .validation }
}

/// Policy for rows that cannot be used.
public enum BadRowPolicy: String, Sendable, CaseIterable, Codable {
  /// Throw an error that lists the first of them.
  case fail
  /// Leave them out; the report of the data set has every one.
  case skip
}
