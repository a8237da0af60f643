import Encoders
import Foundation
import ModelFormats

extension DistillationPlan {
  /// The plan as lines of plain text.
  public var lines: [String] {
    var lines = ([teacher] + (furtherTeachers?.teachers ?? [])).map { "teacher  \(describe($0))" }
    lines += [
      "student  \(describe(student))\(ratio)",
      "trained  \(grouped(trainableCount)) parameters"
        + (projectionCount > 0 ? ", \(grouped(projectionCount)) of them in projections (not exported)" : ""),
    ]
    if let layers = student.copiedLayers {
      lines.insert(
        "copied   teacher layer\(layers.count == 1 ? "" : "s") \(layers.map(String.init).joined(separator: ", "))",
        at: 2)
    }
    lines += goalLines
    lines += matchLines
    if let cache { lines.append("cache    \(cache.text)") }
    if let steps { lines.append("steps    \(grouped(steps))") }
    lines.append(memory.line(tokens: tokensPerBatch))
    lines += warnings.map { "warning  \($0)" }
    return lines
  }

  private var goalLines: [String] {
    var goals: [String] = []
    if config.usesTeacherLogits {
      goals.append(
        "loss     \(weight(config.kdLossWeight, config.kdLossWeightSchedule)) × KD (\(kdDetails.joined(separator: ", ")))"
          + (keepsAnswersInMemory ? ", the teacher runs once" : ""))
    }
    if config.usesTeacherLogits, let furtherTeachers {
      let shares = furtherTeachers.shares.map { String(format: "%.2f", $0) }.joined(separator: ", ")
      goals.append(
        "mean     of \(furtherTeachers.shares.count) teachers' \(furtherTeachers.average.rawValue), shares \(shares)"
      )
    }
    if config.usesLosses {
      goals.append("loss     \(weight(config.hardLabelWeight, config.hardLabelWeightSchedule)) × labels")
    }
    return goals
  }

  /// Whether a model answers each example once, and memory keeps what it said.
  private var keepsAnswersInMemory: Bool {
    config.cacheTeacherLogits && matches.isEmpty && cache == nil
      && ([teacher] + (furtherTeachers?.teachers ?? [])).contains { $0.parameterCount > 0 }
  }

  /// Loss between the logits, with its settings.
  private var kdDetails: [String] {
    let options = config.kdLossOptions.named.map { "\($0.name) \(number($0.value))" }
    var details = [([config.kdLossType.rawValue] + options).joined(separator: " ")]
    details.append("temperature \(number(config.temperature))")
    switch config.temperatureSchedule {
    case .constant: break
    case .flsw(let beta, let gamma): details.append("flsw beta \(number(beta)) gamma \(number(gamma))")
    case .cwsm(let beta): details.append("cwsm beta \(number(beta))")
    }
    details.append(config.compatibility == .textbrewer ? "no factor T² (TextBrewer)" : "times T²")
    if config.logitStandardization { details.append("standardized logits") }
    if config.probabilityShift { details.append("probability shift") }
    return details
  }

  /// A weight, and how it changes over the run.
  private func weight(_ value: Double, _ schedule: WeightSchedule) -> String {
    schedule == .none ? number(value) : "\(number(value)) (\(schedule.rawValue))"
  }

  private var matchLines: [String] {
    let rows = matches.map { match in
      [
        "match    \(number(match.weight)) × \(match.loss)", "teacher \(match.teacherLayer)",
        match.teacherShape,
        "student \(match.studentLayer)", match.studentShape, match.projection ?? "",
      ]
    }
    let widths = (0..<6).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
      return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
  }

  /// The plan for machines: `teacher` (and `other_teachers` with `teacher_shares` and `teacher_average`), `student`,
  /// `matches`, counts, `steps` and `memory` in bytes.
  public var json: JSONValue {
    var object = JSONObject()
    object["teacher"] = json(teacher)
    if let furtherTeachers {
      object["other_teachers"] = .array(furtherTeachers.teachers.map(json))
      object["teacher_shares"] = .array(furtherTeachers.shares.map { .double($0) })
      object["teacher_average"] = .string(furtherTeachers.average.rawValue)
    }
    object["student"] = json(student)
    object["copied_layers"] = student.copiedLayers.map { .array($0.map { .integer($0) }) }
    object["distillation"] = config.json
    object["matches"] = .array(
      matches.map { match in
        var entry = JSONObject()
        entry["teacher_layer"] = .string(match.teacherLayer)
        entry["teacher_shape"] = .string(match.teacherShape)
        entry["student_layer"] = .string(match.studentLayer)
        entry["student_shape"] = .string(match.studentShape)
        entry["loss"] = .string(match.loss)
        entry["weight"] = .double(match.weight)
        entry["projection"] = match.projection.map { .string($0) } ?? .null
        entry["projection_parameters"] = .integer(match.projectionCount)
        return .object(entry)
      })
    object["trainable_parameters"] = .integer(trainableCount)
    object["projection_parameters"] = .integer(projectionCount)
    object["cache"] =
      cache.map {
        ["place": .string($0.place), "bytes": $0.bytes.map { .integer($0) } ?? .null]
      } ?? .null
    object["steps"] = steps.map { .integer($0) } ?? .null
    object["memory"] = memory.json
    object["warnings"] = .array(warnings.map { .string($0.description) })
    return .object(object)
  }

  private func json(_ model: ModelDescription) -> JSONValue {
    [
      "name": .string(model.name), "parameters": .integer(model.parameterCount),
      "megabytes": .double(Double(model.weights.fileBytes) / 1_048_576), "layers": .integer(model.layers),
      "hidden_size": .integer(model.hiddenSize), "heads": .integer(model.heads),
    ]
  }

  private func describe(_ model: ModelDescription) -> String {
    if model.parameterCount == 0 { return "\(model.name): answers without a model" }
    return "\(model.name): \(model.layers) layer\(model.layers == 1 ? "" : "s") of \(model.hiddenSize), "
      + (model.heads > 0 ? "\(model.heads) heads, " : "")
      + "\(grouped(model.parameterCount)) parameters, \(megabytes(model.weights.fileBytes)) MB"
      + (model.weights.form == "float32" ? "" : " in \(model.weights.form)")
  }

  private var ratio: String {
    guard teacher.parameterCount > 0 else { return "" }
    let ratio = Double(teacher.parameterCount) / Double(max(1, student.parameterCount))
    return ratio >= 1
      ? String(format: ", %.1f times smaller", ratio) : String(format: ", %.1f times larger", 1 / ratio)
  }

  private func megabytes(_ bytes: Int) -> String { String(format: "%.1f", Double(bytes) / 1_048_576) }

  private func number(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }

  /// 66955010 as 66,955,010.
  private func grouped(_ value: Int) -> String {
    let digits = String(value)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return result
  }
}

extension MemoryEstimate {
  /// The line of a plan.
  ///
  /// - Parameter tokens: The tokens of a micro-batch.
  func line(tokens: Int) -> String {
    "memory   about \(megabytes(total)) MB: parameters \(megabytes(parameters)), gradients "
      + "\(megabytes(gradients)), optimizer \(megabytes(optimizer)), activations "
      + "\(megabytes(activations)) at \(grouped(tokens)) tokens a batch"
  }

  /// The parts and the sum, in bytes.
  var json: JSONValue {
    [
      "parameters": .integer(parameters), "gradients": .integer(gradients), "optimizer": .integer(optimizer),
      "activations": .integer(activations), "total": .integer(total),
    ]
  }
}
