import Foundation
import ModelFormats
import Tasks

/// Plan of a distillation as a page draws it: the stacks of teacher and student, and what is matched between them.
enum PlanPicture {
  /// The name of the file of the plan in a run folder.
  static let fileName = "plan.json"

  /// The most layers of a stack, and matches of a stage, that are drawn.
  private static let (layerLimit, matchLimit) = (100, 300)

  /// The picture of a plan as `--dry-run --json` prints it; nil where there is no teacher, or nothing that can be drawn.
  static func json(of plan: JSONValue?) -> JSONValue? {
    let stages = plan?["stages"]?.arrayValue ?? [plan].compactMap { $0 }
    guard let last = stages.last, let teacher = model(last["teacher"]), let student = model(last["student"])
    else { return nil }
    var object = JSONObject()
    object["teacher"] = teacher
    object["student"] = student
    object["others"] = last["other_teachers"]?.arrayValue.map { others in
      .array(others.prefix(10).compactMap { model($0) })
    }
    object["copied"] = last["copied_layers"]?.arrayValue.map { .array($0.prefix(layerLimit).filter(isPlace)) }
    object["theseus"] = last["theseus"]?.arrayValue.map { blocks in
      .array(
        blocks.prefix(layerLimit).map { block in .array((block.arrayValue ?? []).filter(isPlace)) })
    }
    object["stages"] = .array(stages.prefix(2).map(stage))
    object["steps"] = last["steps"]
    return .object(object)
  }

  /// The folder or name of the teacher in a plan, of several the first; nil where there is none.
  static func teacher(of plan: JSONValue?) -> String? {
    (plan?["stages"]?.arrayValue?.last ?? plan)?["teacher"]?["name"]?.stringValue
  }

  private static func isPlace(_ value: JSONValue) -> Bool { value.intValue.map { $0 >= 0 } ?? false }

  private static func model(_ value: JSONValue?) -> JSONValue? {
    guard let value, let layers = value["layers"]?.intValue, (0...layerLimit).contains(layers) else {
      return nil
    }
    return [
      "name": .string(CardModel.lastPart(of: value["name"]?.stringValue ?? "")), "layers": .integer(layers),
      "hidden": value["hidden_size"] ?? .null, "heads": value["heads"] ?? .null,
      "parameters": value["parameters"] ?? .null,
    ]
  }

  private static func stage(_ plan: JSONValue) -> JSONValue {
    let matches = plan["matches"]?.arrayValue ?? []
    let goals = plan["distillation"]
    return [
      "kd": [
        "weight": goals?["kd_loss_weight"] ?? .null, "loss": goals?["kd_loss_type"] ?? .null,
        "temperature": goals?["temperature"] ?? .null,
      ],
      "labels": goals?["hard_label_weight"] ?? .null,
      "total": .integer(matches.count),
      "matches": .array(
        matches.prefix(matchLimit).map { match in
          [
            "teacher": layers(match["teacher_layer"]), "student": layers(match["student_layer"]),
            "loss": .string(shortened(match["loss"]?.stringValue ?? "", to: 60)),
            "weight": match["weight"].flatMap { $0.doubleValue }.map { .double($0) } ?? .null,
            "projection": match["projection"]?.stringValue.map { .string(shortened($0, to: 60)) } ?? .null,
          ]
        }),
    ]
  }

  /// Places in a stack, 0 for the embeddings, of the layers of a match in words; what is no layer stays as it is.
  private static func layers(_ words: JSONValue?) -> JSONValue {
    guard let text = words?.stringValue else { return .null }
    let places = text.components(separatedBy: ", ").map { word -> Int? in
      if word == "embeddings" { return 0 }
      return word.hasPrefix("layer ") ? Int(word.dropFirst("layer ".count)) : nil
    }
    let known = places.compactMap { $0 }
    return known.count == places.count
      ? .array(known.map { .integer($0) }) : .string(text == "all layers" ? "all" : shortened(text, to: 60))
  }
}
