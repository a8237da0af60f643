import Evaluation
import ModelFormats

/// The distinct labels of two files, sorted as numbers when all are, as `scikit-learn` sorts classes.
///
/// Numbers are one label however they are written, so that 1.0 is 1.
struct LabelClasses {
  private let names: [String]
  private let places: [String: Int]
  private let areNumbers: Bool

  init(_ labels: [String]) {
    let written = Set(labels)
    let areNumbers = written.allSatisfy { decimalNumber($0) != nil }
    let distinct = areNumbers ? Set(written.map(Self.number)) : written
    names = distinct.sorted { a, b in
      areNumbers ? (Double(a) ?? 0, a) < (Double(b) ?? 0, b) : a < b
    }
    places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    self.areNumbers = areNumbers
  }

  /// A number as one would write it; any other text as it is.
  private static func number(_ label: String) -> String {
    if let integer = Int(label) { return String(integer) }
    guard let number = decimalNumber(label) else { return label }
    return Int(exactly: number).map { String($0) } ?? "\(number)"
  }

  private func index(of label: String) -> Int? { places[areNumbers ? Self.number(label) : label] }

  /// The index of each label.
  func indices(_ labels: [String]) -> [Int] { labels.compactMap { index(of: $0) } }

  /// Checks that two files have a label in common, since otherwise every score is 0 whatever the model knows; one label
  /// throughout each file may be a model that is always wrong.
  func check(_ predictions: ValueFile, against references: ValueFile) throws {
    let (found, expected) = (Set(indices(predictions.values)), Set(indices(references.values)))
    guard found.isDisjoint(with: expected), found.count > 1 || expected.count > 1 else { return }
    func list(_ classes: Set<Int>) -> String {
      classes.sorted().prefix(5).map { names[$0] }.joined(separator: ", ") + (classes.count > 5 ? ", …" : "")
    }
    throw TaskError(
      "\(predictions.path): found the labels \(list(found)), but \(references.path) has \(list(expected)) and none "
        + "of these; write both files with the same labels, or choose other columns with --prediction-column and "
        + "--label-column")
  }

  /// The counts with the positive label as class 1, for `f1`, which knows two classes.
  func binary(_ matrix: ConfusionMatrix, positive: String) throws -> ConfusionMatrix {
    let place = index(of: positive)
    // Where only the other label occurs there is nothing to find, and F1 is 0.
    guard names.count <= 2, place != nil || names.count < 2 else {
      throw TaskError(
        "f1 found the labels \(names.prefix(8).joined(separator: ", ")), expected two of which --pos-label "
          + "(now \(positive)) names one; f1_macro and f1_micro take any")
    }
    var predictions: [Int] = []
    var labels: [Int] = []
    for label in 0..<matrix.classCount {
      for prediction in 0..<matrix.classCount {
        let count = matrix[label, predicted: prediction]
        labels += [Int](repeating: label == place ? 1 : 0, count: count)
        predictions += [Int](repeating: prediction == place ? 1 : 0, count: count)
      }
    }
    return ConfusionMatrix(predictions: predictions, labels: labels, classCount: 2)
  }
}
