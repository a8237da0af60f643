public import Foundation
import ModelFormats

extension CheckpointFolder {
  /// A checkpoint to go on from.
  struct Choice {
    let url: URL
    /// Manifest, in which it says what it is; nil for one of form 1.
    let manifest: CheckpointManifest?
    /// Notes for whoever goes on from it, a sentence each.
    let notes: [String]
  }

  /// Whether a run could go on from a point of this folder.
  public func holds(_ point: ResumePoint, of identity: RunIdentity) -> Bool {
    (try? choose(point, for: identity)).flatMap { $0 } != nil
  }

  /// The checkpoint that a run goes on from: whole, and of this run unless another will do; nil where it may begin anew.
  ///
  /// - Throws: `TrainingError.checkpoint` with what is damaged or differs.
  func choose(_ point: ResumePoint, for identity: RunIdentity) throws(TrainingError) -> Choice? {
    switch point.place {
    case .checkpoint(let url):
      let manifest: CheckpointManifest?
      do { manifest = try Self.manifest(of: url) } catch .checkpoint(let path, let problem) {
        throw .checkpoint(
          path: path,
          problem: problem
            + "; name another, or give 'last', which takes the newest whole one of the run folder")
      }
      return try Self.choice(url, manifest, point, identity)
    case .newest: return try newest(point, identity)
    case .newestIfAny: return try? newest(point, identity)
    }
  }

  private func newest(_ point: ResumePoint, _ identity: RunIdentity) throws(TrainingError) -> Choice {
    var skipped: [String] = []
    var older: Choice?
    for (_, url) in Self.checkpoints(in: directory).reversed() {
      do {
        let choice = try Self.choice(url, Self.manifest(of: url), point, identity)
        if choice.manifest != nil {
          return Choice(url: url, manifest: choice.manifest, notes: skipped + choice.notes)
        }
        older = older ?? choice
      } catch .checkpoint(_, let problem) {
        skipped.append("skipping \(url.lastPathComponent): \(problem)")
      }
    }
    if let older { return Choice(url: older.url, manifest: nil, notes: skipped + older.notes) }
    let found = skipped.isEmpty ? "holds no checkpoint" : "holds no checkpoint of this run"
    throw .checkpoint(
      path: directory.path,
      problem: ([found + "; name one, or leave --resume-from-checkpoint out"] + skipped).joined(
        separator: "\n  "))
  }

  /// The manifest of a whole checkpoint, its files compared with their checksums; nil for one of form 1.
  private static func manifest(of url: URL) throws(TrainingError) -> CheckpointManifest? {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw .checkpoint(path: url.path, problem: "there is no such folder")
    }
    let manifest = try CheckpointManifest(readFrom: url)
    try manifest?.verify(url)
    return manifest
  }

  /// The choice that one whole checkpoint is, its run compared with this one.
  private static func choice(
    _ url: URL, _ manifest: CheckpointManifest?, _ point: ResumePoint, _ identity: RunIdentity
  ) throws(TrainingError) -> Choice {
    guard let manifest else {
      let stateFile = url.appending(path: TrainerState.fileName)
      let state: JSONValue
      do { state = try JSONValue(contentsOf: stateFile) } catch {
        throw .checkpoint(
          path: url.path, problem: "it has no \(CheckpointManifest.fileName), and \(error)")
      }
      var known = JSONObject()
      known["training_config"] = state["training_config"]
      let differences = identity.differences(from: RunIdentity(json: known))
      var notes = [
        "\(url.lastPathComponent) is of an older form, which does not say of which data, models and settings it is; make "
          + "sure that they are the same"
      ]
      if !differences.isEmpty { notes.append(Self.warning(differences)) }
      return Choice(url: url, manifest: nil, notes: notes)
    }
    let differences = identity.differences(from: manifest.identity)
    if differences.isEmpty { return Choice(url: url, manifest: manifest, notes: []) }
    guard point.acceptsDifferences else {
      throw .checkpoint(
        path: url.path,
        problem:
          "it is of another run: \(differences.joined(separator: "; ")). Give the run what the checkpoint was made "
          + "with, or go on all the same with --resume-anyway")
    }
    return Choice(url: url, manifest: manifest, notes: [Self.warning(differences)])
  }

  private static func warning(_ differences: [String]) -> String {
    "the run differs from the checkpoint's, so the result will differ from an uninterrupted run's: "
      + differences.joined(separator: "; ")
  }
}

/// A point that a run goes on from: a checkpoint that is named, or the newest of the run.
public struct ResumePoint: Sendable, Equatable {
  /// Place of the checkpoint.
  public enum Place: Sendable, Equatable {
    /// The newest checkpoint in the run folder that is whole and of this run.
    case newest
    /// The newest likewise, or the beginning where there is none.
    case newestIfAny
    /// A folder `checkpoint-<step>`.
    case checkpoint(URL)
  }

  /// Place of the checkpoint.
  public let place: Place
  /// Whether a checkpoint of a run that differs in data, models or settings will do.
  public let acceptsDifferences: Bool

  /// A point to go on from.
  public init(_ place: Place, acceptsDifferences: Bool = false) {
    self.place = place
    self.acceptsDifferences = acceptsDifferences
  }

  /// A checkpoint of this very run.
  public static func checkpoint(_ url: URL) -> ResumePoint { ResumePoint(.checkpoint(url)) }

  /// The newest checkpoint of this very run.
  public static var newest: ResumePoint { ResumePoint(.newest) }
}
