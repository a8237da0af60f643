import Evaluation
public import ModelFormats
import Tasks

/// Point of a compression: a model that came out, with its size, speed and score.
public struct CompressionPoint: Sendable, Equatable {
  /// Name of the point of the model itself.
  static let modelName = "0-model"

  /// Name, that of its folder: the number of steps and the last of them, such as `2-ffn` or `2-ffn-int8`; `0-model` for the model.
  public let name: String
  /// The steps that made it, with their amounts; none for the model itself.
  public let steps: [String]
  /// The number of layers.
  public let layers: Int
  /// The number of parameters.
  public let parameters: Int
  /// Bytes of its values in their file.
  public let bytes: Int
  /// Milliseconds of one row alone, the median.
  public let latency: Double
  /// Rows a second in batches.
  public let samplesPerSecond: Double
  /// The task's metrics on the validation rows, the deciding one first.
  public let scores: [Score]
  /// Sentences about what was cut and what it is good for.
  public let notes: [String]
  /// Whether no other point is as small, as fast and as good, and better in one of the three.
  public internal(set) var isOnFront = true
  /// The folder of the model, the model's own for the first point; nil once it is removed.
  public internal(set) var folder: String?

  /// The deciding score; larger is better.
  public var score: Double { scores[0].value }

  /// A point of a measured model.
  init(
    _ name: String, steps: [String], _ measured: ModelMeasurement, deciding metric: String,
    folder: String, notes: [String] = []
  ) {
    (self.name, self.steps, self.folder, self.notes) = (name, steps, folder, notes)
    (layers, parameters, bytes) = (measured.layers, measured.parameters, measured.bytes)
    latency = measured.latency ?? 0
    samplesPerSecond = measured.samplesPerSecond ?? 0
    // The deciding one first; a task without scores is refused before.
    scores = measured.metrics.filter { $0.name == metric } + measured.metrics.filter { $0.name != metric }
  }

  /// Whether this point is as small, as fast and as good as another, and better in one of the three.
  func dominates(_ other: CompressionPoint) -> Bool {
    let isAsGood = bytes <= other.bytes && latency <= other.latency && score >= other.score
    return isAsGood && (bytes < other.bytes || latency < other.latency || score > other.score)
  }

  /// The points, each with whether it is on the front.
  package static func markingFront(_ points: [CompressionPoint]) -> [CompressionPoint] {
    points.map { point in
      var marked = point
      marked.isOnFront = !points.contains { $0.dominates(point) }
      return marked
    }
  }

  /// The point for machines.
  public var json: JSONObject {
    func rounded(_ value: Double, _ places: Double = 1000) -> JSONValue {
      .double((value * places).rounded() / places)
    }
    var object = JSONObject()
    object["name"] = .string(name)
    object["steps"] = .array(steps.map(JSONValue.string))
    object["layers"] = .integer(layers)
    object["parameters"] = .integer(parameters)
    object["bytes"] = .integer(bytes)
    object["latency_ms"] = rounded(latency)
    object["samples_per_second"] = rounded(samplesPerSecond)
    for score in scores { object["eval_" + score.name] = .double(score.value) }
    object["metric"] = .string(scores[0].name)
    object["on_front"] = .bool(isOnFront)
    object["folder"] = folder.map { .string($0) }
    object["notes"] = .array(notes.map(JSONValue.string))
    return object
  }

  /// Reads a point as `json` gives it; nil for anything else.
  package init?(_ json: JSONValue) {
    guard let name = json["name"]?.stringValue, let steps = json["steps"]?.arrayValue,
      let layers = json["layers"]?.intValue, let parameters = json["parameters"]?.intValue,
      let bytes = json["bytes"]?.intValue, let latency = json["latency_ms"]?.doubleValue,
      let rate = json["samples_per_second"]?.doubleValue, let metric = json["metric"]?.stringValue,
      let score = json["eval_" + metric]?.doubleValue, let object = json.objectValue
    else { return nil }
    (self.name, self.steps, self.bytes) = (name, steps.compactMap(\.stringValue), bytes)
    (self.layers, self.parameters, self.latency, samplesPerSecond) = (layers, parameters, latency, rate)
    scores =
      [Score(metric, score)]
      + object.compactMap { key, value in
        guard key.hasPrefix("eval_"), key != "eval_" + metric, let value = value.doubleValue else {
          return nil
        }
        return Score(String(key.dropFirst(5)), value)
      }
    notes = json["notes"]?.arrayValue?.compactMap(\.stringValue) ?? []
    folder = json["folder"]?.stringValue
    isOnFront = json["on_front"]?.boolValue ?? true
  }
}
