extension TaskDefinition {
  /// Throws one `TaskDataError.invalidTask` with everything that is wrong, or `unsupportedKind`.
  public func validate() throws(TaskDataError) {
    guard kind.isSupported else { throw .unsupportedKind(task: name, kind: kind) }
    let faults = self.faults
    guard faults.isEmpty else { throw .invalidTask(name: name, faults: faults) }
  }

  /// Everything that is wrong with the definition, empty when it can be used.
  public var faults: [String] {
    var faults: [String] = []
    if name.isEmpty { faults.append("name is empty") }
    if filesByKey.isEmpty {
      faults.append(
        "train_file, validation_file, test_file and unlabelled_file are all missing; give at least one")
    }
    for (key, file) in filesByKey where file.path.isEmpty { faults.append("\(key) is empty") }
    faults += labelFaults + columnFaults
    if metrics.isEmpty { faults.append("metrics is empty; the usual one is accuracy") }
    for metric in metrics where !kind.knownMetrics.contains(metric) {
      faults.append(
        "metrics: \"\(metric)\" is not known; known are \(kind.knownMetrics.joined(separator: ", "))")
    }
    if metrics.contains("f1") && labels.count != 2 {
      faults.append(
        "metrics: f1 scores the second of exactly 2 labels, found \(labels.count); use f1_macro or f1_micro")
    }
    if maxSequenceLength < 3 {
      faults.append("max_seq_length is \(maxSequenceLength), expected at least 3 ([CLS], a token, [SEP])")
    }
    faults += defaults.faults.map { "defaults: \($0)" }
    return faults
  }

  /// The given files with the keys that name them in a recipe.
  var filesByKey: [(key: String, file: DataFile)] {
    [
      ("train_file", trainFile), ("validation_file", validationFile), ("test_file", testFile),
      ("unlabelled_file", unlabelledFile),
    ].compactMap { key, file in file.map { (key, $0) } }
  }

  private var labelFaults: [String] {
    var faults: [String] = []
    if labels.count < 2 { faults.append("labels has \(labels.count) names, expected at least 2") }
    var seen: Set<String> = []
    for label in labels where !seen.insert(label).inserted {
      faults.append("labels: \"\(label)\" is given twice")
    }
    if labels.contains("") { faults.append("labels: a name is empty") }
    for (raw, label) in labelValues.sorted(by: { $0.key < $1.key }) where !labels.contains(label) {
      faults.append(
        "label_values: \"\(raw)\" means \"\(label)\", which is not one of the labels "
          + labels.joined(separator: ", "))
    }
    return faults
  }

  private var columnFaults: [String] {
    var faults: [String] = []
    if kind == .pair && textPairColumn == nil {
      faults.append("text_pair_column is missing, but the kind is pair")
    }
    // A task without a file of its own is checked with its own settings.
    let files = filesByKey.isEmpty ? [("task", DataFile("-"))] : filesByKey
    var reported: Set<String> = []
    for (key, file) in files {
      let layout = layout(of: file)
      if layout.format == .text {
        if key != "unlabelled_file" {
          faults.append("\(key) has the format text, which has no labels; only unlabelled_file can have it")
        } else if kind == .pair {
          faults.append("\(key) has the format text, which has room for one text only, but the kind is pair")
        }
        continue
      }
      let columns: [(String, ColumnReference?)] = [
        ("text_column", layout.textColumn), ("text_pair_column", layout.textPairColumn),
        ("label_column", layout.labelColumn),
      ]
      for (name, column) in columns {
        switch column {
        case .index(let index) where index < 0:
          if reported.insert("\(name) negative").inserted {
            faults.append("\(name) is \(index), expected a position of at least 0")
          }
        case .index where layout.format == .jsonl:
          if reported.insert("\(name) jsonl").inserted {
            faults.append("\(name) is a position, but JSON lines have keys; give a name")
          }
        case .name(let text) where layout.format != .jsonl && !layout.header && key != "unlabelled_file":
          if reported.insert("\(name) header").inserted {
            faults.append(
              "\(name) is \"\(text)\", but \(key) has no header; give its position counted from 0")
          }
        default: break
        }
      }
      if layout.textColumn == layout.textPairColumn && reported.insert("same").inserted {
        faults.append("text_pair_column is the same column as text_column")
      }
    }
    return faults
  }
}

/// The layout of one file once the task's settings and the file's overrides are merged.
struct FileLayout: Sendable, Equatable {
  var format: DataFormat
  var header: Bool
  var textColumn: ColumnReference
  var textPairColumn: ColumnReference?
  var labelColumn: ColumnReference
}

extension TaskDefinition {
  func layout(of file: DataFile) -> FileLayout {
    FileLayout(
      format: file.format ?? format, header: file.header ?? header, textColumn: file.textColumn ?? textColumn,
      textPairColumn: file.textPairColumn ?? textPairColumn, labelColumn: file.labelColumn ?? labelColumn)
  }
}
