/// Scores of predicted numbers by the metric names of a task.
public enum RegressionMetrics {
  /// The scores in the order of their names.
  ///
  /// - Parameters:
  ///   - names: such as `pearson`, `spearmanr`.
  ///   - predictions: the predicted numbers [N].
  ///   - labels: the true numbers [N]; a NaN (no label) is left out.
  ///
  /// Throws `EvaluationError` for a name that is not known and when too few examples have a label.
  public static func compute(
    _ names: [String], predictions: [Double], labels: [Double]
  ) throws(EvaluationError) -> [Score] {
    let kept = labels.indices.filter { !labels[$0].isNaN }
    if kept.isEmpty { throw .nothingLabelled(count: labels.count) }
    let (predictions, labels) = (kept.map { predictions[$0] }, kept.map { labels[$0] })
    var scores: [Score] = []
    for name in names {
      guard let metric = RegressionMetric(rawValue: name) else {
        throw .unknownMetric(name, known: RegressionMetric.allCases.map(\.rawValue))
      }
      scores.append(Score(name, try metric.value(predictions: predictions, labels: labels)))
    }
    return scores
  }
}

/// A score of predicted numbers, named as Hugging Face's GLUE metric and `evaluate` name it.
public enum RegressionMetric: String, Sendable, CaseIterable, Codable {
  /// Pearson's correlation coefficient, -1 ... 1; NaN when either side is constant, as in `scipy.stats.pearsonr`.
  case pearson
  /// Spearman's rank correlation with average ranks for ties, -1 ... 1; NaN when either side is constant, as in
  /// `scipy.stats.spearmanr`.
  case spearmanr
  /// The mean squared error.
  case mse
  /// The mean absolute error.
  case mae

  /// The score of N pairs of numbers.
  ///
  /// - Parameters:
  ///   - predictions: [N].
  ///   - labels: [N].
  ///
  /// Throws `EvaluationError` for no pairs, and for fewer than two where a correlation is asked for.
  public func value(predictions: [Double], labels: [Double]) throws(EvaluationError) -> Double {
    precondition(
      predictions.count == labels.count,
      "Scores need one prediction for each label, found \(predictions.count) predictions and "
        + "\(labels.count) labels.")
    if labels.isEmpty { throw .nothingLabelled(count: 0) }
    switch self {
    case .pearson, .spearmanr:
      if labels.count < 2 { throw .tooFewNumbers(metric: rawValue, count: labels.count) }
      return self == .pearson
        ? Self.correlation(predictions, labels)
        : Self.correlation(Self.ranks(predictions), Self.ranks(labels))
    case .mse: return Self.mean(zip(predictions, labels).map { ($0 - $1) * ($0 - $1) })
    case .mae: return Self.mean(zip(predictions, labels).map { abs($0 - $1) })
    }
  }

  /// r = Σ (x − x̄)(y − ȳ) / (‖x − x̄‖ ‖y − ȳ‖), each side scaled to length 1 first as scipy does.
  private static func correlation(_ x: [Double], _ y: [Double]) -> Double {
    // Asked exactly, since rounding can leave a constant with a spread of 1e-17 and a correlation of noise.
    if x.allSatisfy({ $0 == x[0] }) || y.allSatisfy({ $0 == y[0] }) { return .nan }
    let (x, y) = (directions(x), directions(y))
    var product = 0.0
    for (a, b) in zip(x, y) { product += a * b }
    return min(1, max(-1, product))
  }

  /// The deviations from the mean, as a vector of length 1.
  private static func directions(_ values: [Double]) -> [Double] {
    let mean = mean(values)
    let deviations = values.map { $0 - mean }
    let largest = deviations.reduce(0) { max($0, abs($1)) }
    // Scaled by the largest, so that squares neither overflow nor vanish.
    let norm = largest * deviations.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot()
    return deviations.map { $0 / norm }
  }

  /// Ranks from 1; equal values share the mean of the ranks they take.
  static func ranks(_ values: [Double]) -> [Double] {
    // A NaN has no rank, and neither has anything beside it.
    if values.contains(where: \.isNaN) { return values.map { _ in .nan } }
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for index in start..<end { ranks[order[index]] = Double(start + end + 1) / 2 }
      start = end
    }
    return ranks
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}
