import ModelFormats

/// Weights of classes in the loss on labels, so that rare ones are not drowned by common ones.
///
/// The loss is a weighted mean, as PyTorch's `CrossEntropyLoss(weight)`; of labels side by side a weight is that of rows which
/// have the label, as `BCEWithLogitsLoss(pos_weight)`.
public enum ClassWeights: Sendable, Equatable {
  /// Weights by the training rows: n / (k · count) for n labels of k classes, as scikit-learn's `balanced`; of labels side by side
  /// the rows without one for each row with it.
  case balanced
  /// A weight of each label by its name; a label that is not named weighs 1, as in scikit-learn.
  case named([String: Double])

  /// Weights in words: `balanced`, or `label=weight, label=weight`, or the same as a JSON object; nil where it is neither.
  public init?(_ text: String) {
    if text == "balanced" {
      self = .balanced
      return
    }
    if let object = (try? JSONValue(parsing: text))?.objectValue {
      self.init(.object(object))
      return
    }
    var weights: [String: Double] = [:]
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      // A name may hold the sign itself.
      guard let sign = part.lastIndex(of: "=") else { return nil }
      let name = Self.trimmed(part[..<sign])
      guard !name.isEmpty, weights[name] == nil,
        let weight = Double(Self.trimmed(part[part.index(after: sign)...]))
      else { return nil }
      weights[name] = weight
    }
    self = .named(weights)
  }

  private init?(_ value: JSONValue) {
    if let text = value.stringValue {
      self.init(text)
      return
    }
    guard let object = value.objectValue, object.count > 0 else { return nil }
    var weights: [String: Double] = [:]
    for (name, member) in object {
      guard let weight = member.doubleValue else { return nil }
      weights[name] = weight
    }
    self = .named(weights)
  }

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }

  /// Faults of the numbers, in the words that follow a setting's name.
  var faults: [String] {
    switch self {
    case .balanced: []
    case .named(let weights):
      weights.sorted { $0.key < $1.key }.compactMap { name, weight in
        if weight > 0, weight.isFinite, SinglePrecision.fault(of: weight) == nil { return nil }
        return "of \"\(name)\" is \(weight); expected a number above 0, such as 2"
      }
    }
  }
}

extension ClassWeights: SettingValue {
  package static func read(_ key: String, _ reader: inout FieldReader) -> ClassWeights? {
    reader.value(key, expected: "balanced, or a weight for each label, as label=2,label=0.5") {
      ClassWeights($0)
    }
  }

  package var json: JSONValue {
    switch self {
    case .balanced: "balanced"
    case .named(let weights): weights.json
    }
  }
}
