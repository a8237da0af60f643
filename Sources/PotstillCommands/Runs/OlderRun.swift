import Foundation
import ModelFormats
import Training

/// An older run in a folder that is used again: what it left of results, metrics, predictions, checkpoints and parts.
///
/// Its model stays until a new one takes its place.
struct OlderRun {
  private let folder: URL

  /// The older run of a folder.
  init(_ folder: URL) { self.folder = folder }

  private static let results = [
    "all_results.json", "train_results.json", "eval_results.json", "compare_results.json",
    "finished.json",
  ]
  private static let predictions = [
    "predictions.json", "predictions.txt", "predictions.tsv", "nbest_predictions.json", "null_odds.json",
  ]
  /// Folders inside that of a run which have results and checkpoints of their own.
  private static let parts = ["baseline", "features"]

  /// Removes it, so that nothing of it passes for the new run's.
  ///
  /// - Parameters:
  ///   - keepsCheckpoints: Whether the new run goes on from one of them, and with its metrics.
  ///   - inputs: What the new run reads.
  /// - Throws: `CommandError` when an input would be removed; then nothing is.
  func remove(keepsCheckpoints: Bool, inputs: [String]) throws {
    let names = Self.results + Self.predictions + Self.predictions.map { "eval_" + $0 }
    var doomed = names.map { folder.appending(path: $0) }
    if !keepsCheckpoints {
      doomed.append(folder.appending(path: "metrics.jsonl"))
      doomed += CheckpointFolder.checkpoints(in: folder).map(\.url)
      doomed += Self.parts.map { folder.appending(path: $0) }.filter(isOfRun)
    }
    doomed = doomed.filter { FileManager.default.fileExists(atPath: $0.path) }
    for url in doomed {
      let own = Self.place(url.path)
      if let input = inputs.first(where: { (Self.place($0) + "/").hasPrefix(own + "/") }) {
        throw CommandError(
          "\(input) is of an older run in \(folder.relativePath) and would be removed with it; choose another --output, or "
            + "copy it elsewhere")
      }
    }
    for url in doomed { try TemporaryName.remove(url) }
  }

  /// Removes the results of a folder that a run keeps for one of its tasks.
  static func removeResults(in folder: URL) throws {
    try OlderRun(folder).remove(keepsCheckpoints: true, inputs: [])
  }

  /// Whether a folder looks like the part of a run, and not like something of the user's of the same name.
  private func isOfRun(_ part: URL) -> Bool {
    FileManager.default.fileExists(atPath: part.appending(path: "metrics.jsonl").path)
      || CheckpointFolder.latest(in: part) != nil
  }

  private static func place(_ path: String) -> String {
    URL(filePath: path).absoluteURL.resolvingSymlinksInPath().standardizedFileURL.path
  }
}
