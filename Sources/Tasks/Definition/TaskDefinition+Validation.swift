import Datasets
import ModelFormats

extension TaskDefinition {
  /// Checks the definition.
  ///
  /// - Throws: One `DatasetError.invalidTask` with everything that is wrong.
  public func validate() throws(DatasetError) {
    let faults = self.faults
    guard faults.isEmpty else { throw .invalidTask(name: name, faults: faults) }
  }

  /// Everything that is wrong with the definition, empty when it can be used.
  public var faults: [String] {
    var faults: [String] = []
    if name.isEmpty { faults.append("name is empty") }
    let family = kind.family
    faults += fileFaults(family) + labelFaults(family) + family.columnFaults(of: self)
    faults += metricFaults(family) + lengthFaults(family) + family.settingFaults(of: self)
    faults += defaults.faults.map { "defaults: \($0)" }
    return faults
  }

  /// The given files with the keys that name them in a recipe.
  var filesByKey: [(key: String, file: DataFile)] {
    [
      ("train_file", trainFile), ("validation_file", validationFile), ("test_file", testFile),
      ("unlabelled_file", unlabelledFile),
    ].compactMap { key, file in file.map { (key, $0) } }
      + extraFiles.sorted { $0.key < $1.key }.map { ("extra_files: \($0.key)", $0.value) }
  }

  private func fileFaults(_ family: any TaskFamily) -> [String] {
    var faults: [String] = []
    if let heldOut {
      if !(heldOut.percentage > 0 && HeldOutShare.percentages.contains(heldOut.percentage)) {
        faults.append(
          "validation_split_percentage is \(heldOut.percentage), expected a number above 0 and below 100")
      }
      if trainFile == nil {
        faults.append("validation_split_percentage is given, but there is no train_file to hold rows out of")
      }
      if validationFile != nil {
        faults.append(
          "validation_split_percentage is given, but so is validation_file, which is scored on; give one of them"
        )
      }
    }
    if filesByKey.isEmpty {
      faults.append(
        "train_file, validation_file, test_file and unlabelled_file are all missing; give at least one")
    }
    for (key, file) in filesByKey {
      if file.path.isEmpty { faults.append("\(key) is empty") }
      let format = file.format ?? self.format
      if !family.formats.contains(format) {
        faults.append(
          "\(key) has the format \(format.rawValue), but files of kind \(kind.rawValue) are "
            + family.formats.map(\.rawValue).joined(separator: ", "))
      }
    }
    for key in extraFiles.keys.sorted()
    where !DataSplit.allCases.contains(where: {
      key.hasPrefix($0.rawValue + "_") && key.count > $0.rawValue.count + 1
    }) {
      faults.append(
        "extra_files: \(key) belongs to no split; begin it with one, as in validation_mismatched")
    }
    return faults
  }

  private func labelFaults(_ family: any TaskFamily) -> [String] {
    var faults: [String] = []
    guard family.hasLabels else {
      return labels.isEmpty
        ? [] : ["labels has \(labels.count) names, but a task of kind \(kind.rawValue) has none"]
    }
    if labels.count < family.leastLabels {
      faults.append("labels has \(labels.count) names, expected at least \(family.leastLabels)")
    }
    var seen: Set<String> = []
    for label in labels where !seen.insert(label).inserted {
      faults.append("labels: \"\(label)\" is given twice")
    }
    if labels.contains("") { faults.append("labels: a name is empty") }
    let written = labels.map { ("labels", $0) } + labelValues.keys.sorted().map { ("label_values", $0) }
    for (key, name) in written where inOneCell(name) != name {
      faults.append(
        "\(key): \"\(inOneCell(name))\" has a tab or a line end, which no file of predictions has room for")
    }
    faults += family.labelFaults(of: self)
    let meanings = family.meanings(of: self)
    for (raw, label) in labelValues.sorted(by: { $0.key < $1.key }) where !meanings.contains(label) {
      faults.append(
        "label_values: \"\(raw)\" means \"\(label)\", which is not one of the labels "
          + meanings.joined(separator: ", "))
    }
    if let labelColumns, labelColumns.count != labels.count {
      faults.append(
        "label_columns has \(labelColumns.count) columns, expected one for each of the \(labels.count) labels"
      )
    }
    if labelSeparator.isEmpty { faults.append("label_separator is empty") }
    return faults
  }

  /// Scheme by which the files of a token classification task mark entities.
  var inputScheme: TaggingScheme { entities.inputScheme ?? entities.scheme }

  private func metricFaults(_ family: any TaskFamily) -> [String] {
    var faults: [String] = []
    let known = family.metrics
    if metrics.isEmpty { faults.append("metrics is empty; the usual one is \(known[0])") }
    for metric in metrics where !known.contains(metric) {
      faults.append("metrics: \"\(metric)\" is not known; known are \(known.joined(separator: ", "))")
    }
    faults += family.metricFaults(of: self)
    if let first = metrics.first, known.contains(first), !Self.decides(first) {
      faults.append(
        "metrics: the first, \(first), is a threshold, but the first decides which model is best; begin with a score"
      )
    }
    return faults
  }

  /// The metrics that can decide which of two models is better: all but thresholds, of which neither more nor less is
  /// better.
  package var decidingMetrics: [String] { metrics.filter(Self.decides) }

  private static func decides(_ metric: String) -> Bool { !metric.hasSuffix("_thresh") }

  private func lengthFaults(_ family: any TaskFamily) -> [String] {
    var faults: [String] = []
    if maxSequenceLength < 3 {
      faults.append("max_seq_length is \(maxSequenceLength), expected at least 3 ([CLS], a token, [SEP])")
    } else if !Self.lengths.contains(maxSequenceLength) {
      faults.append("max_seq_length is \(maxSequenceLength), expected at most \(Self.lengths.upperBound)")
    }
    // The room of a window follows from the lengths, so it is no further fault.
    if areLengths, family.usualStride != nil {
      // What is left of a window beside the special tokens and, with a question, that.
      let room = maxSequenceLength - family.windowFrame(of: self)
      if docStride < 0 || docStride >= max(room, 1) {
        faults.append(
          "doc_stride is \(docStride), expected at least 0 and less than the \(room) tokens of text that "
            + "max_seq_length leaves for a window")
      }
    }
    return faults
  }

  /// Faults of columns of files that have keys or no names at all: JSON lines have keys, no positions.
  func keyFaults(_ columns: [(name: String, column: ColumnReference)]) -> [String] {
    let hasLines = filesByKey.contains { ($0.file.format ?? format).holdsObjects }
    return columns.compactMap { name, column in
      guard case .index(let index) = column else { return nil }
      if index < 0 { return "\(name) is \(index), expected a position of at least 0" }
      return hasLines ? "\(name) is a position, but JSON lines have keys; give a name" : nil
    }
  }

  /// Faults of the columns of texts.
  ///
  /// - Parameters:
  ///   - kind: The kind as it is spelled in files.
  ///   - needsPair: Whether each row must have two texts.
  func textColumnFaults(kind: String, needsPair: Bool) -> [String] {
    var faults: [String] = []
    if needsPair && textPairColumn == nil {
      faults.append("text_pair_column is missing, but the kind is \(kind)")
    }
    // A task without a file of its own is checked with its own settings.
    let files = filesByKey.isEmpty ? [("task", DataFile("-"))] : filesByKey
    var reported: Set<String> = []
    for (key, file) in files {
      let layout = layout(of: file)
      if layout.format == .text {
        if key != "unlabelled_file" && !key.hasPrefix("extra_files: unlabelled_") {
          faults.append("\(key) has the format text, which has no labels; only unlabelled_file can have it")
        } else if needsPair {
          faults.append(
            "\(key) has the format text, which has room for one text only, but the kind is \(kind)")
        }
        continue
      }
      let columns: [(String, ColumnReference?)] =
        [("text_column", layout.textColumn), ("text_pair_column", layout.textPairColumn)]
        + (layout.labelColumns?.map { ("label_columns", $0) } ?? [("label_column", layout.labelColumn)])
      for (name, column) in columns {
        switch column {
        case .index(let index) where index < 0:
          if reported.insert("\(name) negative").inserted {
            faults.append("\(name) is \(index), expected a position of at least 0")
          }
        case .index where layout.format.holdsObjects:
          if reported.insert("\(name) jsonl").inserted {
            faults.append("\(name) is a position, but JSON lines have keys; give a name")
          }
        case .name(let text) where !layout.format.holdsObjects && !layout.header && key != "unlabelled_file":
          if reported.insert("\(name) header").inserted {
            faults.append(
              "\(name) is \"\(text)\", but \(key) has no header; give its position counted from 0")
          }
        case .index, .name, nil: break
        }
      }
      if layout.textColumn == layout.textPairColumn && reported.insert("same").inserted {
        faults.append("text_pair_column is the same column as text_column")
      }
    }
    return faults
  }
}

extension TaskDefinition {
  package func layout(of file: DataFile) -> RowLayout {
    RowLayout(
      format: file.format ?? format, header: file.header ?? header, textColumn: file.textColumn ?? textColumn,
      textPairColumn: file.textPairColumn ?? textPairColumn, labelColumn: file.labelColumn ?? labelColumn,
      labelColumns: labelColumns)
  }
}
