import ModelFormats

/// Report of scores for each class beside the confusion matrix, as `scikit-learn`'s `classification_report` has them.
public struct ClassReport: Sendable, Equatable {
  /// Scores of one class.
  public struct Row: Sendable, Equatable {
    /// The name of the class.
    public let name: String
    /// The part of its predictions that are right, 0 where it is never predicted.
    public let precision: Double
    /// The part of its occurrences that are found, 0 where it never occurs.
    public let recall: Double
    /// The harmonic mean of both.
    public let f1: Double
    /// The number of its occurrences.
    public let support: Int

    /// Scores of their parts.
    public init(name: String, precision: Double, recall: Double, f1: Double, support: Int) {
      (self.name, self.precision, self.recall, self.f1, self.support) = (name, precision, recall, f1, support)
    }

    /// Scores of a class that was right, predicted and true so many times.
    public init(name: String, right: Int, predicted: Int, support: Int) {
      func ratio(_ part: Int, _ whole: Int) -> Double { whole > 0 ? Double(part) / Double(whole) : 0 }
      self.init(
        name: name, precision: ratio(right, predicted), recall: ratio(right, support),
        f1: ratio(2 * right, predicted + support), support: support)
    }
  }

  /// The classes in the order of their indices.
  public let rows: [Row]
  /// How often each class was predicted for each class; nil where a row has several classes, or none of its own.
  public let matrix: ConfusionMatrix?

  /// A report of rows alone.
  public init(rows: [Row]) { (self.rows, matrix) = (rows, nil) }

  /// The report of a confusion matrix.
  ///
  /// - Parameter names: The name of each class.
  public init(_ matrix: ConfusionMatrix, names: [String]) {
    precondition(
      names.count == matrix.classCount, "\(names.count) names are not those of \(matrix.classCount) classes.")
    self.matrix = matrix
    rows = names.enumerated().map { index, name in
      Row(
        name: name, right: matrix[index, predicted: index], predicted: matrix.predictionCount(index),
        support: matrix.labelCount(index))
    }
  }

  /// The report of sets of labels.
  ///
  /// - Parameters:
  ///   - predictions: Whether each label was predicted, row-major [N, names].
  ///   - labels: Whether each label applies, row-major [N, names].
  public init(predictions: [Bool], labels: [Bool], names: [String]) {
    precondition(
      predictions.count == labels.count && labels.count.isMultiple(of: max(names.count, 1)),
      "\(predictions.count) predictions and \(labels.count) labels are not rows of \(names.count) classes.")
    self.init(
      rows: names.enumerated().map { index, name in
        let places = stride(from: index, to: labels.count, by: names.count)
        return Row(
          name: name, right: places.count { predictions[$0] && labels[$0] },
          predicted: places.count { predictions[$0] },
          support: places.count { labels[$0] })
      })
  }

  /// The report as an object: each class with `precision`, `recall`, `f1-score` and `support`, and `confusion_matrix`.
  public var json: JSONObject {
    var object = JSONObject()
    for row in rows {
      object[row.name] = [
        "precision": .double(row.precision), "recall": .double(row.recall), "f1-score": .double(row.f1),
        "support": .integer(row.support),
      ]
    }
    var report = JSONObject()
    report["classes"] = .object(object)
    if let matrix {
      report["confusion_matrix"] = .array(
        (0..<matrix.classCount).map { label in
          .array((0..<matrix.classCount).map { .integer(matrix[label, predicted: $0]) })
        })
    }
    return report
  }
}
