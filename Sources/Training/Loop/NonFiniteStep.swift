import Foundation
import ModelFormats

/// Update with a loss or gradients that are NaN or infinite: the step, the number, and the rows that it was made of.
public struct NonFiniteStep: Sendable, Equatable, Codable, CustomStringConvertible {
  /// The update, counted from 1.
  public let step: Int
  /// The pass over the data, counted from 1.
  public let epoch: Int
  /// The number in words, such as `the loss is nan`.
  public let number: String
  /// Further facts of the update, such as `micro-batch 2` or `learning rate 0.05`.
  public let facts: [String]
  /// The rows of the micro-batch or, where gradients overflowed, of the update: file and line as far as they are known, else the
  /// numbers of examples from 0.
  public let rows: [String]
  /// The parts of the loss with their values.
  public let parts: [String]
  /// The first operation whose values were not finite, as `detect_anomaly` has found it; nil where nobody looked.
  public let anomaly: String?

  init(
    step: Int, epoch: Int, number: String, facts: [String], rows: [String],
    parts: [(name: String, value: Double)], anomaly: String?
  ) {
    (self.step, self.epoch, self.number, self.facts) = (step, epoch, number, facts)
    (self.rows, self.anomaly) = (rows, anomaly)
    self.parts = parts.map { "\($0.name) \(Self.text($0.value))" }
  }

  /// A number in words; a NaN has no sign.
  static func text(_ value: Double) -> String { value.isNaN ? "nan" : "\(Float(value))" }

  /// Rows that a message lists; of more it gives the number.
  private static let mostRows = 16

  /// The number, the step and what is known of it, in a sentence without its end.
  public var description: String {
    var known = ["epoch \(epoch)"] + facts
    if !rows.isEmpty {
      let more = rows.count > Self.mostRows ? " and \(rows.count - Self.mostRows) more" : ""
      let noun = rows.allSatisfy { Int($0) != nil } ? "examples " : "rows "
      known.append(noun + rows.prefix(Self.mostRows).joined(separator: ", ") + more)
    }
    let shown = known.joined(separator: ", ") + (parts.isEmpty ? "" : "; " + parts.joined(separator: ", "))
    return "\(number) at step \(step) (\(shown))" + (anomaly.map { "; \($0)" } ?? "")
  }

  /// The step as it is told to the other ranks.
  var json: JSONValue {
    func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    return [
      "step": .integer(step), "epoch": .integer(epoch), "number": .string(number), "facts": list(facts),
      "rows": list(rows), "parts": list(parts), "anomaly": anomaly.map { .string($0) } ?? .null,
    ]
  }

  /// Reads what `json` has made on another rank; nil where there is nothing.
  init?(_ json: JSONValue?) {
    guard let json, let step = json["step"]?.intValue, let epoch = json["epoch"]?.intValue,
      let number = json["number"]?.stringValue
    else { return nil }
    func list(_ key: String) -> [String] { json[key]?.arrayValue?.compactMap(\.stringValue) ?? [] }
    (self.step, self.epoch, self.number) = (step, epoch, number)
    (facts, rows, parts) = (list("facts"), list("rows"), list("parts"))
    anomaly = json["anomaly"]?.stringValue
  }
}

extension TrainingLoop {
  /// Updates in a row that `on_nonfinite: skip` leaves out before the run ends with an error.
  public static let mostSkippedInARow = 20
  /// Updates that are left out with a warning each; further ones are only counted.
  private static let mostWarnings = 5

  /// Counts an update that was made or left out.
  ///
  /// - Parameter fault: What kept it from being made; nil for one that was.
  /// - Throws: `TrainingError.nonFiniteRun` after too many in a row.
  func count(_ fault: NonFiniteStep?, in state: inout TrainerState, advice: () -> String) throws {
    guard let fault else {
      state.skippedInARow = 0
      return
    }
    state.skippedSteps += 1
    state.skippedInARow += 1
    if state.skippedInARow >= Self.mostSkippedInARow {
      throw TrainingError.nonFiniteRun(fault, skipped: state.skippedInARow, advice: advice())
    }
    guard state.skippedSteps <= Self.mostWarnings else { return }
    let last =
      state.skippedSteps == Self.mostWarnings ? "; further updates that are left out are only counted" : ""
    for observer in observers { try observer.warning("update left out: \(fault)\(last)") }
  }

  /// Warns, once in a run, of an operation that gave values that are not finite although loss and gradients are.
  func sayHarmless(_ anomaly: String?, step: Int) throws {
    guard let anomaly, !hasSaidAnomaly else { return }
    hasSaidAnomaly = true
    for observer in observers {
      try observer.warning("step \(step): \(anomaly); loss and gradients are finite all the same")
    }
  }

  /// Says how many updates were left out, if any.
  ///
  /// - Throws: `TrainingError.noData` where all were.
  func closeSkips(of state: TrainerState) throws {
    guard state.skippedSteps > 0 else { return }
    guard state.skippedSteps < state.globalStep else {
      throw TrainingError.noData(
        "all \(state.globalStep) updates were left out, since their losses or gradients were not finite, so nothing was learnt. "
          + "Look at the rows that the warnings name, or at the model that the run starts from.")
    }
    for observer in observers {
      try observer.warning(
        "\(state.skippedSteps) of \(state.globalStep) updates were left out, since their losses or gradients were not finite "
          + "(on_nonfinite: skip)")
    }
  }
}
