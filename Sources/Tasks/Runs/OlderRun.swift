public import Foundation
import ModelFormats
import Training

/// Older run in a folder that is used again, with the results, metrics, predictions, checkpoints, parts, model and card that it left.
public struct OlderRun {
  private let folder: URL

  /// The older run of a folder.
  public init(_ folder: URL) { self.folder = folder }

  private static let results = [
    "all_results.json", "train_results.json", "eval_results.json", "compare_results.json",
    "finished.json", "plan.json", Provenance.fileName, "report.json", "report.html", "class_graph.json",
    "class_graph.graphml",
    "row_graph.json", "row_graph.graphml", "attention.json",
  ]
  private static let predictions = [
    "predictions.json", "predictions.txt", "predictions.tsv", "predictions.jsonl", "nbest_predictions.json",
    "null_odds.json",
  ]
  /// Names of the files that an evaluation writes into its folder.
  public static let evaluationFiles = predictions + ["all_results.json"]
  /// Folders inside that of a run which have results and checkpoints of their own.
  private static let parts = ["baseline", "features"]

  /// Removes the older run, so that none of its files passes for the new run's.
  ///
  /// - Parameters:
  ///   - keepsCheckpoints: Whether the new run goes on from one of its checkpoints, and with its metrics and its model.
  ///   - inputs: What the new run reads; a model that is trained in its own folder stays until the new one takes its place.
  package func remove(keepsCheckpoints: Bool, inputs: [String] = []) throws {
    for url in doomed(keepsCheckpoints: keepsCheckpoints) { try TemporaryName.remove(url) }
    let model = folder.appending(path: "model.safetensors")
    let isInput = inputs.contains { Self.place($0) == Self.place(folder.path) }
    guard !keepsCheckpoints, !isInput else { return }
    // A card that no run has written is the user's.
    let card = ModelCard.isOwned(in: folder) ? [] : [folder.appending(path: ModelCard.fileName)]
    for url in [model] + card where FileManager.default.fileExists(atPath: url.path) {
      try TemporaryName.remove(url)
    }
  }

  /// Removes the older run's predictions alone.
  public func removePredictions() throws {
    for name in Self.predictions {
      let url = folder.appending(path: name)
      if FileManager.default.fileExists(atPath: url.path) { try TemporaryName.remove(url) }
    }
  }

  /// Checks that a run that begins would not remove something that it reads.
  ///
  /// - Throws: `TaskError`.
  package func check(inputs: [String]) throws {
    for url in doomed(keepsCheckpoints: false) {
      let own = Self.place(url.path)
      if let input = inputs.first(where: { (Self.place($0) + "/").hasPrefix(own + "/") }) {
        throw TaskError(
          "\(input) is of an older run in \(folder.relativePath) and would be removed with it; choose another --output, or "
            + "copy it elsewhere")
      }
    }
  }

  private func doomed(keepsCheckpoints: Bool) -> [URL] {
    let names = Self.results + Self.predictions + Self.predictions.map { "eval_" + $0 }
    var doomed = names.map { folder.appending(path: $0) }
    if !keepsCheckpoints {
      doomed += ["metrics.jsonl", "metrics.csv"].map { folder.appending(path: $0) }
      doomed += TensorBoardReport.files(in: TensorBoardReport.folder(in: folder))
      doomed += MLflowReport.runs(in: MLflowReport.folder(in: folder))
      doomed += CheckpointFolder.checkpoints(in: folder).map(\.url)
      doomed += Self.parts.map { folder.appending(path: $0) }.filter(isOfRun).flatMap(Self.contents)
    }
    return doomed.filter { FileManager.default.fileExists(atPath: $0.path) }
  }

  /// Whether a folder looks like the part of a run, and not like something of the user's of the same name.
  private func isOfRun(_ part: URL) -> Bool {
    FileManager.default.fileExists(atPath: part.appending(path: "metrics.jsonl").path)
      || CheckpointFolder.latest(in: part) != nil
  }

  /// A part of a run, or its contents where it has a `README.md` of the user's, which stays.
  private static func contents(of part: URL) -> [URL] {
    guard ModelCard.isOwned(in: part) else { return [part] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: part.path)) ?? []
    return names.filter { $0 != ModelCard.fileName }.sorted().map { part.appending(path: $0) }
  }

  private static func place(_ path: String) -> String {
    URL(filePath: path).absoluteURL.resolvingSymlinksInPath().standardizedFileURL.path
  }
}
