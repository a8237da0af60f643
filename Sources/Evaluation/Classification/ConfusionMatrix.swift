/// How often each class was predicted for each class: the one table from which all classification scores follow.
public struct ConfusionMatrix: Sendable, Hashable {
  /// The number of classes, K.
  public let classCount: Int
  /// Row-major counts [K, K]: the row is the true class, the column the predicted one.
  public private(set) var counts: [Int]

  /// Counts predictions; pairs whose label is negative (-100: no label) are left out.
  ///
  /// - Parameters:
  ///   - predictions: the predicted classes [N], 0 ..< K.
  ///   - labels: the true classes [N], 0 ..< K, or negative.
  ///   - classCount: K; nil takes the largest class that occurs.
  public init<Class: BinaryInteger>(predictions: [Class], labels: [Class], classCount: Int? = nil) {
    precondition(
      predictions.count == labels.count,
      "Scores need one prediction for each label, found \(predictions.count) predictions and "
        + "\(labels.count) labels.")
    let largest = max(predictions.max() ?? -1, labels.max() ?? -1)
    let classCount = max(classCount ?? 0, Int(largest) + 1)
    self.classCount = classCount
    counts = [Int](repeating: 0, count: classCount * classCount)
    for (prediction, label) in zip(predictions, labels) where label >= 0 {
      precondition(prediction >= 0, "A prediction is the index of a class, found \(prediction).")
      counts[Int(label) * classCount + Int(prediction)] += 1
    }
  }

  /// How often `predicted` was predicted where `label` was true.
  public subscript(label: Int, predicted predicted: Int) -> Int { counts[label * classCount + predicted] }

  /// The number of labelled examples.
  public var total: Int { counts.reduce(0, +) }

  /// The number of right predictions.
  public var correct: Int { (0..<classCount).reduce(0) { $0 + self[$1, predicted: $1] } }

  /// How often a class is true (its support).
  public func labelCount(_ label: Int) -> Int {
    (0..<classCount).reduce(0) { $0 + self[label, predicted: $1] }
  }

  /// How often a class is predicted.
  public func predictionCount(_ predicted: Int) -> Int {
    (0..<classCount).reduce(0) { $0 + self[$1, predicted: predicted] }
  }
}
