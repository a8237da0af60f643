import ModelFormats

/// Sums over the updates since the last log line, kept in checkpoints so that a resumed run logs the same means.
struct LossWindow: Equatable {
  private(set) var steps = 0
  private(set) var lossSum = 0.0
  private(set) var parts: [Part] = []
  private(set) var examples = 0
  private(set) var tokens = 0
  /// Seconds of these updates.
  private(set) var seconds = 0.0

  struct Part: Equatable {
    let name: String
    var sum: Double
  }

  mutating func add(_ result: StepResult, seconds: Double) {
    steps += 1
    lossSum += result.loss
    examples += result.examples
    tokens += result.tokens
    self.seconds += seconds
    for part in result.parts {
      if let index = parts.firstIndex(where: { $0.name == part.name }) {
        parts[index].sum += part.value
      } else {
        parts.append(Part(name: part.name, sum: part.value))
      }
    }
  }

  /// The mean of a sum over the window's updates.
  func mean(_ sum: Double) -> Double { steps == 0 ? 0 : sum / Double(steps) }

  var json: JSONValue {
    var sums = JSONObject()
    for part in parts { sums[part.name] = .double(part.sum) }
    return [
      "steps": .integer(steps), "loss_sum": .double(lossSum), "part_sums": .object(sums),
      "examples": .integer(examples), "tokens": .integer(tokens), "seconds": .double(seconds),
    ]
  }

  init() {}

  init(json: JSONValue) {
    steps = json["steps"]?.intValue ?? 0
    lossSum = json["loss_sum"]?.doubleValue ?? 0
    examples = json["examples"]?.intValue ?? 0
    tokens = json["tokens"]?.intValue ?? 0
    seconds = json["seconds"]?.doubleValue ?? 0
    for (name, value) in json["part_sums"]?.objectValue ?? JSONObject() {
      parts.append(Part(name: name, sum: value.doubleValue ?? 0))
    }
  }
}
