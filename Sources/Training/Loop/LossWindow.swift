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

  /// A part of the loss; where updates are of different tasks, each has parts of its own.
  struct Part: Equatable {
    let name: String
    var sum: Double
    /// The updates that had it.
    var steps: Int

    /// The mean over the updates that had it.
    var mean: Double { steps == 0 ? 0 : sum / Double(steps) }
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
        parts[index].steps += 1
      } else {
        parts.append(Part(name: part.name, sum: part.value, steps: 1))
      }
    }
  }

  /// Whether these can be the sums over some of so many updates.
  func isPlausible(upTo limit: Int) -> Bool {
    (0...limit).contains(steps) && (0...(1 << 53)).contains(examples) && (0...(1 << 53)).contains(tokens)
      && seconds.isFinite && seconds >= 0 && parts.allSatisfy { (0...limit).contains($0.steps) }
  }

  /// The mean of a sum over the window's updates.
  func mean(_ sum: Double) -> Double { steps == 0 ? 0 : sum / Double(steps) }

  var json: JSONValue {
    var sums = JSONObject()
    var counts = JSONObject()
    for part in parts {
      sums[part.name] = .double(part.sum)
      counts[part.name] = .integer(part.steps)
    }
    return [
      "steps": .integer(steps), "loss_sum": .double(lossSum), "part_sums": .object(sums),
      "part_steps": .object(counts),
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
      parts.append(
        Part(name: name, sum: value.doubleValue ?? 0, steps: json["part_steps"]?[name]?.intValue ?? steps))
    }
  }
}
