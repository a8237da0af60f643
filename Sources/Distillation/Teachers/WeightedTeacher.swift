import Encoders

/// One of several teachers.
public struct WeightedTeacher {
  /// The model; it never changes.
  public let model: TaskModel
  /// How much it counts relative to the others, more than 0.
  public let weight: Double
  /// What is used of its output; nil takes what fits its head.
  public let adaptor: Adaptor?
  /// Its output for each output of the student; nil finds them by the names of the labels, which may be in another order.
  public let outputs: [Int]?
  /// What the configuration is checked against.
  let description: ModelDescription

  /// A teacher; its `description` says what messages call it.
  public init(
    _ model: TaskModel, weight: Double = 1, adaptor: Adaptor? = nil, outputs: [Int]? = nil,
    description: ModelDescription? = nil
  ) {
    self.model = model
    self.weight = weight
    self.adaptor = adaptor
    self.outputs = outputs
    self.description = description ?? ModelDescription(model, name: "teacher")
  }

  /// Its output for each of the student's labels; nil where they are in one order, or cannot be told apart by name.
  func order(for labels: [String]) -> [Int]? {
    if let outputs { return outputs == Array(outputs.indices) ? nil : outputs }
    let own = model.config.labels.map { $0.lowercased() }
    let wanted = labels.map { $0.lowercased() }
    let found = wanted.compactMap { own.firstIndex(of: $0) }
    guard found.count == own.count, Set(found).count == own.count, found != Array(own.indices) else {
      return nil
    }
    return found
  }

  /// The adaptor, its logits in the student's order of labels.
  func adaptor(for labels: [String]) -> Adaptor {
    let read = adaptor ?? Adaptors.teacher(of: model.config)
    guard let order = order(for: labels) else { return read }
    return { batch, output, context in
      var result = try read(batch, output, context)
      result.logits = result.logits.map { MeanLogits.columns($0, order) }
      return result
    }
  }
}
