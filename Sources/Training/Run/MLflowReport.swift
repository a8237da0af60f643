public import Foundation
import ModelFormats

/// Report of a run for MLflow: a run in the experiment `Default` of a file store (`mlruns/`), with the metrics of each line of
/// `metrics.jsonl`, the settings as parameters, and recipe and plan as artifacts.
///
/// A resumed run goes on with the run that is there, its metrics cut back to the checkpoint. A run that is broken off stays in
/// MLflow's status `RUNNING`.
public final class MLflowReport: TrainingObserver {
  /// The file store.
  public let directory: URL
  private let run: RunDescription
  private var metrics: [String: AppendedFile] = [:]
  private var info: RunInfo?

  /// A report in a file store, which is made when the run begins.
  public init(_ directory: URL, of run: RunDescription) { (self.directory, self.run) = (directory, run) }

  /// The file store inside the folder of a run.
  public static func folder(in run: URL) -> URL { run.appending(path: "mlruns", directoryHint: .isDirectory) }

  /// The runs of a file store that were written here, oldest first.
  public static func runs(in directory: URL) -> [URL] {
    let experiment = experiment(in: directory)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: experiment.path)) ?? []
    return names.compactMap { name -> (started: Int, url: URL)? in
      let url = experiment.appending(path: name, directoryHint: .isDirectory)
      let source = try? String(contentsOf: url.appending(path: "tags/" + sourceTag), encoding: .utf8)
      return source == sourceName ? (RunInfo(readFrom: url)?.started ?? 0, url) : nil
    }.sorted { $0.started < $1.started }.map(\.url)
  }

  /// Begins the run, or goes on with the last one that is there.
  public func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int)
    throws(TrainingError)
  {
    do {
      let older = startStep > 0 ? Self.runs(in: directory).last.flatMap(RunInfo.init(readFrom:)) : nil
      let info = older ?? RunInfo(in: Self.experiment(in: directory), started: Self.now)
      for name in ["metrics", "params", "tags", "artifacts"] {
        try Self.makeFolder(info.folder.appending(path: name))
      }
      try writeExperiment()
      try info.write(name: run.name, ended: nil)
      for (key, value) in run.settings.json.objectValue ?? JSONObject() where !value.isNull {
        try Self.write(
          value.stringValue ?? value.compactText, to: info.folder.appending(path: "params/" + key))
      }
      let tags = [
        ("mlflow.runName", run.name), ("mlflow.source.type", "LOCAL"), (Self.sourceTag, Self.sourceName),
      ]
      for (key, value) in tags { try Self.write(value, to: info.folder.appending(path: "tags/" + key)) }
      for (name, text) in [(run.recipeName, run.recipe), ("plan.txt", run.plan.map { $0 + "\n" }.joined())]
      where !text.isEmpty {
        try Self.write(text, to: info.folder.appending(path: "artifacts/" + name))
      }
      metrics = try Self.metrics(of: info, upTo: startStep)
      self.info = info
    } catch { throw failure(error) }
  }

  /// Writes the metrics of a logged step.
  public func logged(_ entry: TrainingLogEntry) throws(TrainingError) {
    try append(entry.json, step: entry.step)
  }

  /// Writes the metrics of an evaluation.
  public func evaluated(
    _ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool
  ) throws(TrainingError) {
    try append(result.json, step: step)
  }

  /// Ends the run.
  public func finished(_ summary: TrainingSummary) throws(TrainingError) {
    metrics = [:]
    do { try info?.write(name: run.name, ended: Self.now) } catch { throw failure(error) }
  }

  // MARK: Files

  private static let sourceTag = "mlflow.source.name"
  private static let sourceName = "potstill"

  private static func experiment(in directory: URL) -> URL {
    directory.appending(path: "0", directoryHint: .isDirectory)
  }

  /// The time in milliseconds since 1970.
  private static var now: Int { Int(Date().timeIntervalSince1970 * 1000) }

  private static func makeFolder(_ url: URL) throws {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  private static func write(_ text: String, to url: URL) throws {
    try AtomicFile.write(Array(text.utf8), to: url)
  }

  private func writeExperiment() throws {
    let folder = Self.experiment(in: directory)
    let file = folder.appending(path: "meta.yaml")
    if FileManager.default.fileExists(atPath: file.path) { return }
    try Self.write(
      """
      artifact_location: \(JSONValue.string(folder.absoluteString).compactText)
      creation_time: \(Self.now)
      experiment_id: '0'
      last_update_time: \(Self.now)
      lifecycle_stage: active
      name: Default

      """, to: file)
  }

  /// The files of the metrics that a run has, cut back to a step.
  private static func metrics(of run: RunInfo, upTo step: Int) throws -> [String: AppendedFile] {
    let folder = run.folder.appending(path: "metrics", directoryHint: .isDirectory)
    var files: [String: AppendedFile] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
      let url = folder.appending(path: name)
      guard let text = try? String(contentsOf: url, encoding: .utf8) else { continue }
      let kept = text.split(separator: "\n").filter { line in
        let fields = line.split(separator: " ")
        return fields.count == 3 && Int(fields[2]).map { $0 <= step } ?? false
      }
      files[name] = try AppendedFile(url, beginningWith: kept.map { $0 + "\n" }.joined())
    }
    return files
  }

  private func append(_ line: JSONObject, step: Int) throws(TrainingError) {
    guard let info else { return }
    let time = Self.now
    do {
      for (name, value) in line.scalars {
        let key = Self.key(name)
        let url = info.folder.appending(path: "metrics/" + key)
        if metrics[key] == nil {
          try Self.makeFolder(url.deletingLastPathComponent())
          metrics[key] = try AppendedFile(url)
        }
        try metrics[key]?.append("\(time) \(value) \(step)")
      }
    } catch { throw failure(error) }
  }

  /// A name as MLflow takes it for a metric and its file: letters, digits and a few signs, in parts between slashes.
  private static func key(_ name: String) -> String {
    let parts = name.split(separator: "/").map { part in
      String(part.map { $0.isASCII && ($0.isLetter || $0.isNumber || "_-. ".contains($0)) ? $0 : "_" })
    }
    return parts.map { $0.allSatisfy { $0 == "." } ? $0.replacing(".", with: "_") : $0 }
      .joined(separator: "/")
  }

  private func failure(_ error: any Error) -> TrainingError {
    .runFolder(path: directory.path, problem: "\(error)")
  }
}

/// Head of a run of MLflow, its `meta.yaml`.
private struct RunInfo {
  /// The folder, named by the run's id.
  let folder: URL
  /// Time of the beginning in milliseconds since 1970.
  let started: Int

  /// A new run of an experiment.
  init(in experiment: URL, started: Int) {
    let id = UUID().uuidString.replacing("-", with: "").lowercased()
    folder = experiment.appending(path: id, directoryHint: .isDirectory)
    self.started = started
  }

  /// The run in a folder; nil where there is none.
  init?(readFrom folder: URL) {
    let text = try? String(contentsOf: folder.appending(path: "meta.yaml"), encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix("start_time: ") }
    guard let started = line.flatMap({ Int($0.dropFirst("start_time: ".count)) }) else { return nil }
    (self.folder, self.started) = (folder, started)
  }

  /// Writes the head of a run, which goes on where it has no end.
  func write(name: String, ended: Int?) throws {
    func quoted(_ text: String) -> String { JSONValue.string(text).compactText }
    let id = folder.lastPathComponent
    let artifacts = folder.appending(path: "artifacts").absoluteString
    let text = """
      artifact_uri: \(quoted(artifacts))
      end_time: \(ended.map { "\($0)" } ?? "null")
      entry_point_name: ''
      experiment_id: '0'
      lifecycle_stage: active
      run_id: \(quoted(id))
      run_name: \(quoted(name))
      run_uuid: \(quoted(id))
      source_name: ''
      source_type: 4
      source_version: ''
      start_time: \(started)
      status: \(ended == nil ? 1 : 3)
      tags: []
      user_id: ''

      """
    try AtomicFile.write(Array(text.utf8), to: folder.appending(path: "meta.yaml"))
  }
}
