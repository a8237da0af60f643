import Foundation

/// The folder of the first of two stages inside that of the run: metrics, checkpoints, and the student as it is after it.
enum StageFolder {
  /// The folder of the stage of features.
  static func features(in run: URL) -> URL { run.appending(path: "features", directoryHint: .isDirectory) }

  /// Whether a checkpoint is one of the first stage.
  static func isOfFeatures(_ checkpoint: URL) -> Bool {
    checkpoint.standardizedFileURL.deletingLastPathComponent().lastPathComponent == "features"
  }
}
