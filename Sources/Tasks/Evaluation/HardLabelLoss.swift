public import Datasets
public import Encoders
import ModelFormats
public import Training

/// Loss on hard labels: the share that smoothing takes of each, and the weight of each of a model's outputs.
///
/// It is PyTorch's `CrossEntropyLoss(weight, label_smoothing)` of texts and tokens, without weights `LabelSmoother` of
/// `transformers`, and `BCEWithLogitsLoss(pos_weight)` of labels side by side. Training takes it; evaluations give the
/// loss of labels as they are, so that runs can be compared.
public struct HardLabelLoss: Sendable, Equatable {
  /// The share of each label that all classes divide, from 0 to 1.
  public let smoothing: Double
  /// The weight of each output, above 0; nil weighs all alike.
  public let weights: [Float]?

  /// A loss of labels as they are.
  public static let plain = HardLabelLoss()

  /// A loss of its parts.
  public init(smoothing: Double = 0, weights: [Float]? = nil) {
    (self.smoothing, self.weights) = (smoothing, weights)
  }

  /// The loss that settings ask of a model.
  ///
  /// - Parameters:
  ///   - config: The settings.
  ///   - model: The model; weights are named by its labels.
  ///   - examples: The training rows, by which balanced weights are found.
  /// - Throws: `TrainingError.configuration` for a head whose answers cannot be smoothed or weighed, and for a label that
  ///   it does not have.
  public init(
    _ config: TrainingConfig, of model: TaskModel, examples: some ExampleRows = [EncodedExample]()
  ) throws(TrainingError) {
    let family = model.config.taskFamily
    let labels = model.config.labels
    var faults: [Fault] = []
    if config.labelSmoothingFactor > 0, let reason = family.reasonAgainstSmoothing {
      faults.append(Fault("label_smoothing_factor", "does not apply to a \(family.name) task: \(reason)"))
    }
    var weights: [Float]?
    if let asked = config.classWeights {
      if let reason = family.reasonAgainstWeights {
        faults.append(Fault("class_weights", "do not apply to a \(family.name) task: \(reason)"))
      } else {
        switch asked {
        case .balanced:
          weights = LabelCounts(examples, outputs: labels.count, of: family).balancedWeights
        case .named(let named):
          let found = Self.weights(named, of: labels)
          weights = found.weights
          faults += found.unknown.map {
            Fault(
              "class_weights",
              "names \"\($0)\", which is no label; expected one of \(labels.joined(separator: ", "))")
          }
        }
      }
    }
    guard faults.isEmpty else { throw .configuration(faults) }
    self.init(smoothing: config.labelSmoothingFactor, weights: weights)
  }

  /// Weights by the names of labels, upper and lower case alike; of tags such as `B-PER` the type stands for all of them.
  private static func weights(
    _ named: [String: Double], of labels: [String]
  ) -> (weights: [Float], unknown: [String]) {
    var (weights, unknown) = ([Float](repeating: 1, count: labels.count), [String]())
    let own = labels.map { $0.lowercased() }
    func places(_ name: String) -> [Int] {
      let exact = own.indices.filter { own[$0] == name }
      return exact.isEmpty ? own.indices.filter { own[$0].dropFirst(1) == "-" + name } : exact
    }
    // A tag that is named itself goes before its type.
    let byType = named.sorted { $0.key < $1.key }.map { ($0.key, places($0.key.lowercased()), $0.value) }
    for (name, places, weight) in byType.sorted(by: { $0.1.count > $1.1.count }) {
      if places.isEmpty { unknown.append(name) }
      for place in places { weights[place] = Float(weight) }
    }
    return (weights, unknown)
  }
}

extension HardLabelLoss {
  /// The loss in words, as the plan of a run says it; nil for labels as they are.
  ///
  /// - Parameter labels: The names of the outputs.
  package func text(_ labels: [String]) -> String? {
    let smoothed = smoothing > 0 ? ["smoothed by \(shortened(smoothing))"] : []
    let named = weights.map { weights in
      let rest = weights.count > 12 ? ", …" : ""
      return [
        "weighed "
          + zip(labels, weights).prefix(12).map { "\($0) \(shortened(Double($1)))" }
          .joined(separator: ", ") + rest
      ]
    }
    let parts = smoothed + (named ?? [])
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }
}

/// A number of at most four digits after the point.
private func shortened(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }

extension TaskFamily {
  /// Reason why its labels are not smoothed; nil where they can be.
  fileprivate var reasonAgainstSmoothing: String? {
    switch form {
    case .classes: nil
    case .positions:
      "an answer's ends are places in a text; transformers' Trainer does not smooth them either"
    case .independentLabels: "each of its labels holds or does not; LabelSmoother takes one class of several"
    case .values: "its targets are numbers, of which no class can take a share"
    }
  }

  /// Reason why its labels have no weights; nil where they can have them.
  fileprivate var reasonAgainstWeights: String? {
    if !namesOutputs { return "its answers are words of the vocabulary" }
    return switch form {
    case .classes, .independentLabels: nil
    case .positions: "an answer's ends are places in a text, not classes"
    case .values: "its targets are numbers, not classes"
    }
  }
}

/// Counts of labels in rows: how often each of a model's outputs is right.
package struct LabelCounts: Sendable {
  /// The number of rows, or tokens, with each label.
  package let counts: [Int]
  /// The number of rows, or tokens, that are labelled.
  package let total: Int
  private let areIndependent: Bool

  /// The counts of some examples.
  ///
  /// - Parameters:
  ///   - examples: The examples, their labels in the order of the outputs.
  ///   - outputs: The number of outputs.
  ///   - family: The family of tasks.
  package init(_ examples: some ExampleRows, outputs: Int, of family: any TaskFamily) {
    var (counts, total) = ([Int](repeating: 0, count: outputs), 0)
    func add(_ label: Int32) {
      guard label >= 0, label < outputs else { return }
      counts[Int(label)] += 1
      total += 1
    }
    for example in examples.encodedExamples {
      switch example.target {
      case .label(let label): add(label)
      case .tags(let tags): tags.forEach(add)
      case .labels(let flags):
        total += 1
        for (index, flag) in flags.prefix(outputs).enumerated() where flag { counts[index] += 1 }
      case .none, .value, .span: break
      }
    }
    (self.counts, self.total) = (counts, total)
    areIndependent = if case .independentLabels = family.form { true } else { false }
  }

  /// Weights that make up for how often each label comes.
  ///
  /// n / (k · count) for the k classes of n labels that come at all, as `compute_class_weight("balanced")` of scikit-learn; of
  /// labels side by side (n − count) / count. A label that never comes, or always, weighs 1.
  package var balancedWeights: [Float] {
    let classes = counts.count { $0 > 0 }
    return counts.map { count in
      if count == 0 { return 1 }
      guard areIndependent else { return Float(Double(total) / (Double(classes) * Double(count))) }
      return count == total ? 1 : Float(Double(total - count) / Double(count))
    }
  }
}
