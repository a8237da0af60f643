public import Foundation
import ModelFormats

/// Report of a run for TensorBoard: an event file with `train/…` and `eval/…` of each line of `metrics.jsonl`, the recipe and the
/// plan as texts.
///
/// The tags are those of `transformers`; a part of the loss is `train/` and its name. A resumed run begins a new file, which
/// tells readers to drop what the files before it hold beyond the checkpoint; a last record that a kill cut off ends its file
/// for them.
public final class TensorBoardReport: TrainingObserver {
  /// The folder of the event files.
  public let directory: URL
  private let run: RunDescription
  private var file: AppendedFile?

  /// A report in a folder, which is made when the run begins.
  public init(_ directory: URL, of run: RunDescription) { (self.directory, self.run) = (directory, run) }

  /// The folder of event files inside that of a run.
  public static func folder(in run: URL) -> URL { run.appending(path: "runs", directoryHint: .isDirectory) }

  /// The event files of a folder, in the order in which they are read.
  public static func files(in directory: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.filter { $0.hasPrefix(prefix) }.sorted().map { directory.appending(path: $0) }
  }

  /// Begins an event file.
  public func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int)
    throws(TrainingError)
  {
    let older = Self.files(in: directory)
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      let time = Date().timeIntervalSince1970
      file = try AppendedFile(
        directory.appending(path: Self.name(at: time, after: older.last)),
        beginningWith: EventRecord(.fileVersion, step: 0, wallTime: time).bytes)
    } catch { throw failure(error) }
    if !older.isEmpty { try append(.sessionStart, step: startStep + 1) }
    for (tag, text) in texts { try append(.text(tag: tag, text), step: startStep) }
  }

  /// Writes the scalars of a logged step.
  public func logged(_ entry: TrainingLogEntry) throws(TrainingError) {
    let scalars = entry.json.scalars.map { name, value in
      let part = name.hasPrefix("parts.") ? String(name.dropFirst("parts.".count)) : name
      // A part that is called as a column of every step keeps its long name.
      return ("train/" + (MetricsTable.first.contains(part) ? name : part), Float(value))
    }
    try append(.scalars(scalars), step: entry.step)
  }

  /// Writes the scalars of an evaluation.
  public func evaluated(
    _ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool
  ) throws(TrainingError) {
    let scalars = result.json.scalars.map { name, value in
      ("eval/" + name.dropFirst("eval_".count), Float(value))
    }
    try append(.scalars(scalars), step: step)
  }

  /// Ends the file.
  public func finished(_ summary: TrainingSummary) { file = nil }

  private static let prefix = "events.out.tfevents."

  /// The name of a new file, which sorts behind those that are there, whatever the clock says.
  private static func name(at time: Double, after last: URL?) -> String {
    let digits = last?.lastPathComponent.dropFirst(prefix.count).prefix { $0.isNumber }
    let seconds = max(Int(time), (digits.flatMap { Int($0) } ?? 0) + 1)
    let process = ProcessInfo.processInfo
    return prefix + "\(seconds).\(process.hostName).\(process.processIdentifier).0"
  }

  private var texts: [(tag: String, text: String)] {
    [("recipe", run.recipe), ("plan", run.plan.joined(separator: "\n"))].filter { !$0.1.isEmpty }.map {
      ($0.0, "```\n" + $0.1 + ($0.1.hasSuffix("\n") ? "```" : "\n```"))
    }
  }

  private func append(_ content: EventRecord.Content, step: Int) throws(TrainingError) {
    let record = EventRecord(content, step: step, wallTime: Date().timeIntervalSince1970)
    do { try file?.append(record.bytes) } catch { throw failure(error) }
  }

  private func failure(_ error: any Error) -> TrainingError {
    .runFolder(path: directory.path, problem: "\(error)")
  }
}
