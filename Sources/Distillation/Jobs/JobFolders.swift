public import Foundation
import Tasks
public import Training

/// Folders inside that of a run which have results and checkpoints of their own.
enum JobFolders {
  /// The folder of the stage of features: metrics, checkpoints, and the student as it is after it.
  static func features(in run: URL) -> URL { run.appending(path: "features", directoryHint: .isDirectory) }

  /// The folder of the student that learns from the labels alone.
  static func baseline(in run: URL) -> URL { run.appending(path: "baseline", directoryHint: .isDirectory) }

  /// Whether a checkpoint is one of the first stage.
  static func isOfFeatures(_ checkpoint: URL) -> Bool {
    checkpoint.standardizedFileURL.deletingLastPathComponent().lastPathComponent == "features"
  }
}

/// Resumption of a job from a checkpoint that it wrote.
public struct JobResumption: Sendable, Equatable {
  /// The folder of a checkpoint, or `last` for the newest of the run folder.
  public let checkpoint: String
  /// Whether a checkpoint of a run that differs in data, models or settings will do.
  public let acceptsDifferences: Bool

  /// A resumption from a checkpoint, or from the newest.
  public init(_ checkpoint: String = "last", acceptsDifferences: Bool = false) {
    (self.checkpoint, self.acceptsDifferences) = (checkpoint, acceptsDifferences)
  }

  /// Whether a run into a folder goes on from a checkpoint that lies there, and so may write into the folder.
  ///
  /// - Throws: `TaskError` when the newest checkpoint of the folder is asked for and there is none.
  package func isInside(_ path: String) throws -> Bool {
    let run = URL(filePath: path, directoryHint: .isDirectory)
    let features = JobFolders.features(in: run)
    if checkpoint == "last" {
      if [run, features, JobFolders.baseline(in: run)].contains(where: {
        CheckpointFolder.latest(in: $0) != nil
      }) {
        return true
      }
      throw TaskError(
        "--resume-from-checkpoint last: \(path) holds no checkpoint; name one, or leave it out")
    }
    func place(_ url: URL) -> String { url.absoluteURL.resolvingSymlinksInPath().standardizedFileURL.path }
    let wanted = place(URL(filePath: checkpoint, directoryHint: .isDirectory))
    let own = [run, features].flatMap { CheckpointFolder.checkpoints(in: $0) }
    return own.contains { place($0.url) == wanted }
  }

  /// The point from which the run in a folder goes on.
  ///
  /// A run that was broken off in its baseline, and kept no checkpoint of the student before it, begins the student anew.
  public func point(in run: URL) -> ResumePoint {
    let folders = [run, JobFolders.features(in: run)]
    let isInBaseline =
      folders.allSatisfy { CheckpointFolder.latest(in: $0) == nil }
      && CheckpointFolder.latest(in: JobFolders.baseline(in: run)) != nil
    let last: ResumePoint.Place = isInBaseline ? .newestIfAny : .newest
    return ResumePoint(
      checkpoint == "last" ? last : .checkpoint(URL(filePath: checkpoint, directoryHint: .isDirectory)),
      acceptsDifferences: acceptsDifferences)
  }

  /// The point from which a later part of the run goes on, such as the baseline.
  var laterPoint: ResumePoint { ResumePoint(.newestIfAny, acceptsDifferences: acceptsDifferences) }
}
