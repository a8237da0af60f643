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
