public import Foundation
public import ModelFormats

/// Log of a run in its folder: `metrics.jsonl` and `metrics.csv` line by line, and the `…_results.json` of `transformers` at the end.
///
/// `metrics.jsonl` has one object for each logged step (`step`, `epoch`, `loss`, `parts`, `learning_rate`, `grad_norm`,
/// `samples_per_second`, `tokens_per_second`) and one for each evaluation (`step`, `epoch`, `eval_…`), each flushed at once.
public final class RunLog: TrainingObserver {
  /// The run folder.
  public let directory: URL
  private var metrics: AppendedFile?
  private var table: MetricsTable?

  /// A log in `directory`, which is made when it does not exist.
  ///
  /// - Throws: `TrainingError.runFolder`.
  public convenience init(_ directory: URL) throws(TrainingError) { try self.init(directory, isMade: true) }

  /// A log in `directory`, which a rank that does not write leaves as it is.
  ///
  /// - Throws: `TrainingError.runFolder`.
  package init(_ directory: URL, isMade: Bool) throws(TrainingError) {
    self.directory = directory
    guard isMade else { return }
    do { try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true) } catch {
      throw .runFolder(path: directory.path, problem: "it could not be made: \(describeFileError(error))")
    }
  }

  /// `metrics.jsonl` of the folder.
  public var metricsFile: URL { directory.appending(path: "metrics.jsonl") }

  /// `metrics.csv` of the folder, the same as a table.
  public var tableFile: URL { directory.appending(path: "metrics.csv") }

  /// Begins `metrics.jsonl` and `metrics.csv`; a resumed run keeps the lines up to the step it goes on from.
  public func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int)
    throws(TrainingError)
  {
    var kept = ""
    var rows: [JSONObject] = []
    if startStep > 0, let text = try? String(contentsOf: metricsFile, encoding: .utf8) {
      for line in text.split(separator: "\n") {
        guard let row = (try? JSONValue(parsing: String(line)))?.objectValue,
          let step = row["step"]?.intValue,
          step <= startStep
        else { continue }
        kept += line + "\n"
        rows.append(row)
      }
    }
    do {
      metrics = try AppendedFile(metricsFile, beginningWith: kept)
      table = try MetricsTable(tableFile, beginningWith: rows)
    } catch { throw failure(error) }
  }

  /// Writes the line of a logged step.
  public func logged(_ entry: TrainingLogEntry) throws(TrainingError) { try append(entry.json) }

  /// Writes the line of an evaluation.
  public func evaluated(
    _ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool
  ) throws(TrainingError) {
    try append(result.line(step: step, epoch: epoch))
  }

  /// Writes `train_results.json` and adds its members to `all_results.json`.
  public func finished(_ summary: TrainingSummary) throws(TrainingError) {
    (metrics, table) = (nil, nil)
    try writeResults("train", summary.json)
  }

  /// Writes `<split>_results.json` and adds its members to `all_results.json`, keys sorted, as Trainer's `save_metrics` does.
  public func writeResults(_ split: String, _ results: JSONObject) throws(TrainingError) {
    let all = directory.appending(path: "all_results.json")
    do {
      try JSONValue.object(results).sorted.write(to: directory.appending(path: "\(split)_results.json"))
      var merged = (try? JSONValue(contentsOf: all))?.objectValue ?? JSONObject()
      for (key, value) in results { merged[key] = value }
      try JSONValue.object(merged).sorted.write(to: all)
    } catch { throw failure(error) }
  }

  private func append(_ line: JSONObject) throws(TrainingError) {
    do {
      try metrics?.append(JSONValue.object(line).compactText)
      try table?.append(line)
    } catch { throw failure(error) }
  }

  private func failure(_ error: any Error) -> TrainingError {
    .runFolder(path: directory.path, problem: "\(error)")
  }
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
