/// How the rows of a data file are written; the recipe's `format`.
public enum DataFormat: String, Codable, Sendable, CaseIterable {
  /// Tab-separated as GLUE publishes it: no quoting at all, a quote is data.
  case tsv
  /// Comma-separated with double quotes, RFC 4180; a quoted field may span lines.
  case csv
  /// One JSON object a line.
  case jsonl
  /// Plain text, one text a line, blank lines skipped; it has room for neither labels nor pairs.
  case text
  /// One word and its tag a line, a blank line between sentences: CoNLL's columns, MSRA's and Weibo's characters.
  case conll
  /// One JSON document of passages with their questions: SQuAD, CMRC 2018, DRCD.
  case squad
}

/// Layout of the rows of one file: how they are written, and in which columns or under which keys.
package struct RowLayout: Sendable, Equatable {
  /// How the rows are written.
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
