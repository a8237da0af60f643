import Foundation
import ModelFormats

/// Report of a run in files that another program reads, by its name in `report_to` of `transformers`.
public enum ReportTarget: String, CaseIterable, Sendable {
  /// Event files of TensorBoard, in `runs/`.
  case tensorboard
  /// Files of MLflow's file store, in `mlruns/`.
  case mlflow
}

extension ReportTarget {
  /// Reads `report_to`: names in a list, or with commas between them, `all`, or `none`.
  static func read(_ key: String, _ reader: inout FieldReader) -> [ReportTarget]? {
    let names = reader.value(key, expected: "names such as tensorboard, or none") { value in
      value.stringValue.map { [$0] }
        ?? value.arrayValue.flatMap { list in
          let texts = list.compactMap(\.stringValue)
          return texts.count == list.count ? texts : nil
        }
    }
    guard let names else { return nil }
    var targets: [ReportTarget] = []
    let words = names.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    for word in words {
      switch word {
      case "none" where words.count == 1: return []
      case "none": reader.add(key, "has \"none\" beside other names; leave one of them out")
      case "all": targets += allCases
      default:
        if let target = ReportTarget(rawValue: word) {
          targets.append(target)
        } else if others.contains(word) {
          reader.add(
            key,
            "is \"\(word)\", which only its own Python package writes for; expected none, all, or of "
              + allCases.map(\.rawValue).joined(separator: ", "))
        } else {
          reader.add(
            key, FieldReader.unknown(.string(word), among: ["none", "all"] + allCases.map(\.rawValue)))
        }
      }
    }
    return allCases.filter(targets.contains)
  }

  /// `report_to` as settings hold it.
  static func json(_ targets: [ReportTarget]) -> JSONValue {
    switch targets.count {
    case 0: "none"
    case 1: .string(targets[0].rawValue)
    default: .array(targets.map { .string($0.rawValue) })
    }
  }

  /// Names of `transformers` that stand for packages of Python.
  private static let others: Set = [
    "azure_ml", "clearml", "codecarbon", "comet_ml", "dagshub", "dvclive", "flyte", "neptune", "swanlab",
    "trackio", "wandb",
  ]
}
