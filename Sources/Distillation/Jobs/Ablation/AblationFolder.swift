public import Foundation
public import ModelFormats
import Tasks

/// The folder of one run of an ablation: its recipe and results, and a note once it is finished.
public struct AblationFolder {
  /// The folder.
  public let url: URL

  /// The folder of a run.
  public init(url: URL) { self.url = url }

  private var note: URL { url.appending(path: "finished.json") }

  /// Files of a run that stay without its model.
  private static let kept: Set = [
    "all_results.json", "train_results.json", "eval_results.json", "compare_results.json", "metrics.jsonl",
    "metrics.csv", "recipe.yaml", "finished.json", "runs", "mlruns", Provenance.fileName,
  ]
  /// Folders inside that of a run which have results of their own.
  private static let inner: Set = ["baseline", "features"]

  /// The results of the run, if it is finished and was of these very arguments.
  public func results(of arguments: [String]) -> JSONObject? {
    guard let note = try? JSONValue(contentsOf: note), note["arguments"]?.arrayValue == Self.json(arguments)
    else { return nil }
    return note["results"]?.objectValue
  }

  /// Removes what an earlier, unfinished or different run left, which has its recipe.
  ///
  /// - Throws: `TaskError` when the folder holds something else.
  public func clear() throws {
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? [""]
    guard names.isEmpty || !Set(names).isDisjoint(with: ["recipe.yaml", "finished.json"]) else {
      throw TaskError(
        "\(url.relativePath) holds something that is no run of an ablation (\(names.sorted().prefix(3).joined(separator: ", "))); "
          + "move it away, or choose another --output")
    }
    try FileManager.default.removeItem(at: url)
  }

  /// Notes that the run is finished, the last thing that is done; what is there without the note is begun again.
  ///
  /// - Throws: `FormatError` for results that cannot be read.
  public func finish(_ arguments: [String], keepsModel: Bool) throws -> JSONObject {
    let results =
      try JSONValue(contentsOf: url.appending(path: "all_results.json")).objectValue ?? JSONObject()
    if !keepsModel { try prune(url) }
    var object = JSONObject()
    object["arguments"] = .array(Self.json(arguments))
    object["results"] = .object(results)
    try Provenance.restate(in: url)
    try JSONValue.object(object).write(to: note)
    return results
  }

  /// Removes everything but results and recipe.
  private func prune(_ folder: URL) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
    where !Self.kept.contains(name) {
      let item = folder.appending(path: name)
      if Self.inner.contains(name) {
        try prune(item)
      } else {
        try FileManager.default.removeItem(at: item)
      }
    }
  }

  private static func json(_ arguments: [String]) -> [JSONValue] { arguments.map { .string($0) } }
}
