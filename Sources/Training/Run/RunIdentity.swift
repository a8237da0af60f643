import Foundation
public import ModelFormats

/// What a run was started from, as far as settings and data of the training loop do not say it.
public struct RunOrigin: Sendable, Equatable {
  /// A fingerprint of the model before the first step; nil takes the parameters as the run finds them.
  public var model: String?
  /// A fingerprint of each teacher.
  public var teachers: [String]
  /// A fingerprint of the rows that evaluations score.
  public var validation: String?
  /// Further settings that change what is learnt, such as those of a distillation.
  public var settings: JSONObject

  /// An origin of its parts.
  public init(
    model: String? = nil, teachers: [String] = [], validation: String? = nil,
    settings: JSONObject = JSONObject()
  ) {
    self.model = model
    self.teachers = teachers
    self.validation = validation
    self.settings = settings
  }
}

/// An identity of a run: fingerprints of everything that its numbers depend on, kept in each of its checkpoints.
public struct RunIdentity: Sendable, Equatable {
  /// `model`, `teachers`, `rows`, `order` and `validation` as fingerprints, `settings` and `training_config` as values.
  public let json: JSONObject

  /// An identity as a checkpoint holds it.
  init(json: JSONObject) { self.json = json }

  /// The identity of a run of the training loop.
  ///
  /// - Parameters:
  ///   - origin: What it starts from; its model must be named.
  ///   - config: The settings.
  ///   - data: The batches.
  public init(_ origin: RunOrigin, config: TrainingConfig, data: TrainingData) throws {
    var object = JSONObject()
    object["model"] = .string(origin.model ?? "")
    object["teachers"] = .array(origin.teachers.map { .string($0) })
    object["rows"] = .string(try data.rowsFingerprint)
    object["order"] = .string(data.orderFingerprint)
    object["validation"] = origin.validation.map { .string($0) } ?? .null
    object["settings"] = .object(origin.settings)
    object["training_config"] = config.json.sorted
    json = object
  }

  private static let nouns = [
    ("model", "the starting model"), ("teachers", "the teacher"), ("rows", "the training rows"),
    ("order", "the order of the training rows"), ("validation", "the validation rows"),
  ]

  /// What differs from another run, such as `the training rows differ` or `learning_rate was 0.05, is 0.01`.
  ///
  /// - Parameter other: The identity in a checkpoint, which may lack what an older form does not hold.
  func differences(from other: RunIdentity) -> [String] {
    var found: [String] = []
    for (key, noun) in Self.nouns {
      guard let then = other.json[key], let now = json[key], then != now else { continue }
      // With other rows, another order says nothing new.
      if key == "order", other.json["rows"] != json["rows"] { continue }
      found.append("\(noun) \(noun.hasSuffix("rows") && key != "order" ? "differ" : "differs")")
    }
    if let then = other.json["settings"], let now = json["settings"] {
      found += now.differences(from: then)
    }
    if let then = other.json["training_config"], let now = json["training_config"] {
      found += TrainingConfig.settings.differences(from: then, to: now)
    }
    return found
  }
}
