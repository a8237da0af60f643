import Encoders

/// One of several teachers: a model, its answers kept in a file, or both.
public struct WeightedTeacher {
  /// The model, which never changes; nil where only its answers are at hand.
  public let model: TaskModel?
  /// Its answers to the training examples, used instead of asking it.
  public let answers: TeacherCacheFile?
  /// How much it counts relative to the others, more than 0.
  public let weight: Double
  /// What is used of its output; nil takes what fits its head.
  public let adaptor: Adaptor?
  /// Its output for each output of the student; nil finds them by the names of the labels, which may be in another order.
  public let outputs: [Int]?
  /// Its sizes, head and labels.
  let config: EncoderConfig
  /// What the configuration is checked against.
  let description: ModelDescription

  /// A teacher that is asked; its `description` says what messages call it.
  public init(
    _ model: TaskModel, weight: Double = 1, adaptor: Adaptor? = nil, outputs: [Int]? = nil,
    description: ModelDescription? = nil
  ) {
    (self.model, answers, config) = (model, nil, model.config)
    self.weight = weight
    self.adaptor = adaptor
    self.outputs = outputs
    self.description = description ?? ModelDescription(model, name: "teacher")
  }

  /// A teacher that has answered before.
  ///
  /// - Parameters:
  ///   - answers: Its answers to the training examples; `train` checks that they are to these.
  ///   - model: The model, if it is there: the answers must be its own.
  ///   - weight: How much it counts relative to the others, more than 0.
  ///   - outputs: Its output for each output of the student; nil finds them by the names of the labels.
  ///   - description: What messages call it.
  /// - Throws: `DistillationError.cache` when the file does not say whose answers it holds.
  public init(
    answers: TeacherCacheFile, of model: TaskModel? = nil, weight: Double = 1, outputs: [Int]? = nil,
    description: ModelDescription? = nil
  ) throws(DistillationError) {
    let imitated = try ImitatedModel(model, answers: answers)
    (self.model, self.answers, config) = (model, answers, imitated.config)
    self.weight = weight
    adaptor = nil
    self.outputs = outputs
    self.description = description ?? imitated.description
  }

  /// Its output for each of the student's labels; nil where they are in one order, or cannot be told apart by name.
  func order(for labels: [String]) -> [Int]? {
    if let outputs { return outputs == Array(outputs.indices) ? nil : outputs }
    let own = config.labels.map { $0.lowercased() }
    let wanted = labels.map { $0.lowercased() }
    let found = wanted.compactMap { own.firstIndex(of: $0) }
    guard found.count == own.count, Set(found).count == own.count, found != Array(own.indices) else {
      return nil
    }
    return found
  }
}
