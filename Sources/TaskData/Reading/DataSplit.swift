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

/// What to do with rows that cannot be used.
public enum BadRowPolicy: String, Sendable, CaseIterable, Codable {
  /// Throw an error that lists the first of them.
  case fail
  /// Leave them out; the report of the data set has every one.
  case skip
}
