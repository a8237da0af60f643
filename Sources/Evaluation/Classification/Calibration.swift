/// Calibration: how far the probabilities that a model gives its answers are from how often these are right.
///
/// Confidences are counted in bins of equal width; bin m of M holds those from m / M up to, not with, (m + 1) / M, and the last
/// one holds 1 too.
///
/// ```swift
/// var calibration = Calibration()
/// calibration.add(0.9, isRight: true)
/// calibration.expectedError  // 0.1
/// ```
public struct Calibration: Sendable, Equatable {
  /// Bin of confidences.
  public struct Bin: Sendable, Equatable {
    /// The number of answers.
    public fileprivate(set) var count = 0
    /// The number of right ones.
    public fileprivate(set) var right = 0
    /// The sum of their confidences.
    fileprivate(set) var confidences = 0.0

    /// The mean confidence; 0 of none.
    public var confidence: Double { count > 0 ? confidences / Double(count) : 0 }
    /// The share of right answers; 0 of none.
    public var accuracy: Double { count > 0 ? Double(right) / Double(count) : 0 }
  }

  /// The bins, that of the lowest confidences first.
  public private(set) var bins: [Bin]

  /// A calibration of no answers yet.
  ///
  /// - Parameter binCount: The number of bins, at least 1.
  public init(binCount: Int = 10) {
    precondition(binCount >= 1, "Calibration needs at least one bin, found \(binCount).")
    bins = [Bin](repeating: Bin(), count: binCount)
  }

  /// Counts an answer; a confidence that is no probability is left out.
  public mutating func add(_ confidence: Double, isRight: Bool) {
    guard (0...1).contains(confidence) else { return }
    let place = min(bins.count - 1, Int(confidence * Double(bins.count)))
    bins[place].count += 1
    bins[place].confidences += confidence
    bins[place].right += isRight ? 1 : 0
  }

  /// The number of answers.
  public var count: Int { bins.reduce(0) { $0 + $1.count } }

  /// The expected calibration error: Σ over the bins of |confidence − accuracy| by their share of the answers (Guo, Pleiss,
  /// Sun and Weinberger 2017, *On Calibration of Modern Neural Networks*, equation 3); nil of no answers.
  public var expectedError: Double? {
    let all = count
    guard all > 0 else { return nil }
    return bins.reduce(0) { $0 + abs($1.confidences - Double($1.right)) } / Double(all)
  }
}

/// Brier score: the mean squared distance of probabilities from what is true (Brier 1950, *Verification of Forecasts
/// Expressed in Terms of Probability*), 0 for the best and, of one class in several, 2 for the worst.
public enum BrierScore {
  /// The mean over rows of Σ over the classes of (p − y)², where y is 1 for the true class and 0 for the others; nil of no rows.
  ///
  /// - Parameters:
  ///   - probabilities: The probabilities of each row [N][K].
  ///   - labels: The true class of each row [N]; a negative one is left out.
  public static func value(probabilities: [[Double]], labels: [Int]) -> Double? {
    precondition(
      probabilities.count == labels.count,
      "\(probabilities.count) rows of probabilities and \(labels.count) labels do not pair up.")
    var (total, count) = (0.0, 0)
    for (row, label) in zip(probabilities, labels) where label >= 0 {
      precondition(label < row.count, "Label \(label) does not exist among \(row.count) probabilities.")
      for (place, p) in row.enumerated() {
        let distance = p - (place == label ? 1 : 0)
        total += distance * distance
      }
      count += 1
    }
    return count > 0 ? total / Double(count) : nil
  }

  /// The mean over decisions of (p − y)², where y is 1 where the label applies; nil of no decisions.
  public static func value(probabilities: [Double], labels: [Bool]) -> Double? {
    precondition(
      probabilities.count == labels.count,
      "\(probabilities.count) probabilities and \(labels.count) decisions do not pair up.")
    guard !labels.isEmpty else { return nil }
    let total = zip(probabilities, labels).reduce(0.0) { sum, pair in
      let distance = pair.0 - (pair.1 ? 1 : 0)
      return sum + distance * distance
    }
    return total / Double(labels.count)
  }
}

/// Agreement of two models: the share of rows that they answer the same, right or wrong.
public enum Agreement {
  /// The share; nil of no rows.
  public static func value<Answer: Equatable>(_ a: [Answer], _ b: [Answer]) -> Double? {
    precondition(a.count == b.count, "\(a.count) and \(b.count) answers do not pair up.")
    guard !a.isEmpty else { return nil }
    return Double(zip(a, b).count { $0 == $1 }) / Double(a.count)
  }
}
