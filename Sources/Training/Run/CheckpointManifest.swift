package import Foundation
public import ModelFormats

/// A place in a run: the updates done, the epoch (from 0) of the next one, and how many rows of that epoch's order are done.
struct DataPlace: Equatable {
  let step: Int
  let epoch: Int
  let row: Int
}

/// Manifest of a checkpoint, its `checkpoint.json`: the form's version, the run it belongs to, its place in the data, and the size
/// and checksum of each of its files.
///
/// Form 1, which Potstill wrote before there were manifests, has no such file.
package struct CheckpointManifest: Equatable {
  /// The version that is written, and the newest that is read.
  static let version = 2
  /// The file's name inside a checkpoint.
  package static let fileName = "checkpoint.json"

  /// The run.
  package let identity: RunIdentity
  /// The step, and where it stands in the data.
  let place: DataPlace
  /// Size and checksum of each file.
  private let files: JSONObject

  /// The manifest of the files in a folder.
  init(of folder: URL, identity: RunIdentity, place: DataPlace) throws {
    (self.identity, self.place) = (identity, place)
    var files = JSONObject()
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
      let (bytes, fingerprint) = try Fingerprint.ofFile(folder.appending(path: name))
      files[name] = ["bytes": .integer(bytes), "checksum": .string(fingerprint.text)]
    }
    self.files = files
  }

  var json: JSONValue {
    [
      "version": .integer(Self.version), "step": .integer(place.step), "epoch": .integer(place.epoch),
      "row": .integer(place.row),
      "run": .object(identity.json), "files": .object(files),
    ]
  }

  /// Reads the manifest of a checkpoint; nil for one of form 1.
  ///
  /// - Throws: `TrainingError.checkpoint` when it is of a newer form or damaged.
  package init?(readFrom checkpoint: URL) throws(TrainingError) {
    let url = checkpoint.appending(path: Self.fileName)
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    func fault(_ problem: String) -> TrainingError { .checkpoint(path: checkpoint.path, problem: problem) }
    let json: JSONValue
    do { json = try JSONValue(contentsOf: url) } catch { throw fault("\(error)") }
    guard let version = json["version"]?.intValue, version >= Self.version else {
      throw fault("\(Self.fileName) is damaged: found no version of the form")
    }
    guard version == Self.version else {
      throw fault(
        "it has version \(version) of the form, expected up to \(Self.version); go on with the Potstill that wrote it"
      )
    }
    func count(_ key: String) throws(TrainingError) -> Int {
      let value = json[key] ?? .null
      if let count = value.intValue, count >= 0 { return count }
      throw fault(
        "\(Self.fileName) is damaged: found \(printable(value.compactText, atMost: 40)) as its \(key), expected a whole number from 0"
      )
    }
    func object(_ key: String) throws(TrainingError) -> JSONObject {
      if let object = json[key]?.objectValue { return object }
      throw fault(
        "\(Self.fileName) is damaged: found \((json[key] ?? .null).kind) as its \(key), expected an object")
    }
    identity = RunIdentity(json: try object("run"))
    place = DataPlace(step: try count("step"), epoch: try count("epoch"), row: try count("row"))
    let files = try object("files")
    self.files = files
  }

  /// Compares every file with its size and checksum.
  ///
  /// - Throws: `TrainingError.checkpoint` with the first that is not what was written.
  package func verify(_ checkpoint: URL) throws(TrainingError) {
    for (name, entry) in files {
      func fault(_ problem: String) -> TrainingError {
        .checkpoint(path: checkpoint.path, problem: "it is damaged: \(problem)")
      }
      guard !name.contains("/"), name != "..", let bytes = entry["bytes"]?.intValue,
        let checksum = entry["checksum"]?.stringValue
      else { throw fault("\(Self.fileName) has an entry \(name.debugDescription) that no checkpoint has") }
      let found: (bytes: Int, fingerprint: Fingerprint)
      do { found = try Fingerprint.ofFile(checkpoint.appending(path: name)) } catch {
        throw fault("\(error)")
      }
      guard found.bytes == bytes else {
        throw fault("\(name) has \(found.bytes) bytes, expected \(bytes)")
      }
      guard found.fingerprint.text == checksum else {
        throw fault("\(name) is not what was written (its checksum differs)")
      }
    }
    for name in [TrainerState.fileName, CheckpointFolder.optimizerFile] where files[name] == nil {
      throw .checkpoint(
        path: checkpoint.path, problem: "it is damaged: \(Self.fileName) does not list \(name)")
    }
  }
}

/// Origin of a run: what it was started from, as far as settings and data of the training loop do not say it.
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
    object["training_config"] = config.ofWholeBatches.json.sorted
    json = object
  }

  private static let nouns = [
    ("model", "the starting model"), ("teachers", "the teacher"), ("rows", "the training rows"),
    ("order", "the order of the training rows"), ("validation", "the validation rows"),
  ]

  /// Differences from another run, such as `the training rows differ` or `learning_rate: 0.05 before, 0.01 now`.
  ///
  /// - Parameter other: The identity in a checkpoint, which may lack what an older form does not hold.
  package func differences(from other: RunIdentity) -> [String] {
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
