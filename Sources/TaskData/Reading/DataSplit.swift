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
  var needsLabels: Bool { self == .train || self == .validation }
}

extension TaskDefinition {
  /// The file of a split, nil when the task names none.
  ///
  /// - Parameter part: The name of a further file of the split, such as `mismatched`; nil for its main file.
  public func file(for split: DataSplit, part: String? = nil) -> DataFile? {
    if let part { return extraFiles["\(split.rawValue)_\(part)"] }
    return switch split {
    case .train: trainFile
    case .validation: validationFile
    case .test: testFile
    case .unlabelled: unlabelledFile
    }
  }

  /// The names of the further files of a split, sorted: `["mismatched"]` for the validation split of MNLI.
  public func parts(of split: DataSplit) -> [String] {
    let prefix = split.rawValue + "_"
    return extraFiles.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
  }
}

/// What to do with rows that cannot be used.
public enum BadRowPolicy: String, Sendable, CaseIterable, Codable {
  /// Throw an error that lists the first of them.
  case fail
  /// Leave them out; the report of the data set has every one.
  case skip
}
