public import Foundation
import ModelFormats

/// Report of a run in files that another program reads, by its name in `report_to` of `transformers`.
public enum ReportTarget: String, CaseIterable, Sendable {
  /// Event files of TensorBoard, in `runs/`.
  case tensorboard
  /// Files of MLflow's file store, in `mlruns/`.
  case mlflow
}

/// Description of a run in its reports.
public struct RunDescription: Sendable {
  /// The name.
  public var name: String
  /// The recipe by which the run can be repeated; empty where there is none.
  public var recipe: String
  /// The file that holds the recipe.
  public var recipeName: String
  /// The plan, line by line; empty where there is none.
  public var plan: [String]
  /// The settings.
  public var settings: TrainingConfig

  /// A description of a run.
  public init(
    _ name: String, recipe: String = "", recipeName: String = "recipe.yaml", plan: [String] = [],
    settings: TrainingConfig = TrainingConfig()
  ) {
    (self.name, self.recipe, self.recipeName) = (name, recipe, recipeName)
    (self.plan, self.settings) = (plan, settings)
  }

  /// The reports that the settings ask for, as observers of the run.
  ///
  /// - Parameters:
  ///   - folder: The run folder.
  ///   - part: The name of a part of the run inside its own folder, a folder below `logging_dir` too; nil for the run itself.
  public func reports(in folder: URL, part: String? = nil) -> [any TrainingObserver] {
    settings.reportTo.map { target in
      switch target {
      case .tensorboard:
        let chosen = settings.loggingDir.map { URL(filePath: $0, directoryHint: .isDirectory) }
        let events = chosen.map { chosen in part.map { chosen.appending(path: $0) } ?? chosen }
        return TensorBoardReport(events ?? TensorBoardReport.folder(in: folder), of: self)
      case .mlflow: return MLflowReport(MLflowReport.folder(in: folder), of: self)
      }
    }
  }
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
