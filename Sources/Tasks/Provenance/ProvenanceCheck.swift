import Encoders
import Foundation
public import ModelFormats
import Training

/// Check of an output folder against its `provenance.json`, and of all else in it that can be checked.
///
/// Compared are the folder's files, the data, models and answers that it was made of where they still are, and the files of its
/// checkpoints by their own lists. Models are loaded, and their weights must be finite.
public struct ProvenanceCheck: Sendable {
  /// Verdict on one thing.
  public enum Verdict: String, Sendable, CaseIterable {
    /// It is as it was written.
    case ok
    /// It is not what was written.
    case changed
    /// It is of the folder, and not there.
    case missing
    /// It cannot be used: a model that does not load or whose weights are not finite, a checkpoint that is damaged.
    case damaged
    /// An input is not where it was; nothing can be said of it.
    case gone
    /// Nobody has written down what it was.
    case extra

    /// Whether the folder is then not what it says it is.
    public var isFault: Bool {
      switch self {
      case .changed, .missing, .damaged: true
      case .ok, .gone, .extra: false
      }
    }
  }

  /// Finding about one thing.
  public struct Finding: Sendable, Equatable {
    /// Part that the thing plays: `file`, `checkpoint`, `model`, or the role of an input.
    public let role: String
    /// The path: of a file in the folder, of an input as the user gave it.
    public let path: String
    /// The verdict.
    public let verdict: Verdict
    /// A remark; empty where there is nothing to say.
    public let note: String
  }

  /// The folder as the user named it.
  public let folder: String
  /// The provenance; nil where the folder has none.
  public let provenance: Provenance?
  /// The findings: files, inputs, checkpoints, models.
  public private(set) var findings: [Finding] = []

  /// Checks a folder.
  ///
  /// - Parameter listener: Hears how far the work has come.
  /// - Throws: `TaskError` where there is no such folder, or nothing in it that can be checked; `FormatError` for a
  ///   `provenance.json` that cannot be read.
  public init(_ folder: String, listener: any WorkListener = SilentListener()) throws {
    let url = URL(filePath: folder, directoryHint: .isDirectory)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue else {
      throw TaskError(
        "\(folder): there is no such folder; expected one that a command of Potstill has written")
    }
    self.folder = folder
    provenance = try Provenance(of: url)
    defer { listener.progressEnded() }
    checkFiles(in: url, listener)
    checkInputs(listener)
    checkCheckpoints(in: url)
    checkModels(in: url)
    if provenance == nil {
      if findings.isEmpty {
        throw TaskError(
          "\(folder): found no \(Provenance.fileName), no checkpoint and no model, so nothing can be checked"
            + Self.hint(for: url))
      }
      add(
        "file", Provenance.fileName, .extra,
        "not there: the folder is of an older version, or a part of another" + Self.hint(for: url))
    }
  }

  /// Whether something is not what it was.
  public var hasFaults: Bool { findings.contains(where: \.verdict.isFault) }

  private mutating func add(_ role: String, _ path: String, _ verdict: Verdict, _ note: String = "") {
    findings.append(Finding(role: role, path: path, verdict: verdict, note: note))
  }

  /// A remark on the folder above, where that has a provenance.
  private static func hint(for folder: URL) -> String {
    let parent = folder.absoluteURL.standardizedFileURL.deletingLastPathComponent()
    let isThere = FileManager.default.fileExists(atPath: parent.appending(path: Provenance.fileName).path)
    return isThere ? "; the folder above has one, so give that" : ""
  }

  // MARK: Files

  private mutating func checkFiles(in url: URL, _ listener: any WorkListener) {
    guard let provenance else { return }
    guard let files = provenance.files else {
      return add("file", "(all)", .extra, "the work has not ended, so no file was written down")
    }
    for (index, file) in files.enumerated() {
      listener.progress("Checking files", done: index, total: files.count)
      let path = file.path ?? ""
      let (verdict, note) = Self.compare(file, with: url.appending(path: path))
      add("file", path, verdict == .gone ? .missing : verdict, note)
    }
    let known = Set(files.compactMap(\.path))
    for path in Provenance.paths(in: url) where !known.contains(path) {
      add("file", path, .extra, "came later")
    }
  }

  /// Compares a file with what was written down.
  private static func compare(_ file: Provenance.StoredFile, with url: URL) -> (Verdict, String) {
    guard FileManager.default.fileExists(atPath: url.path) else { return (.gone, "") }
    do throws(FormatError) {
      let now = try Provenance.StoredFile(url, path: file.path)
      if now.bytes != file.bytes { return (.changed, "\(now.bytes) bytes, expected \(file.bytes)") }
      return now.sha256 == file.sha256 ? (.ok, "") : (.changed, "as many bytes, but others")
    } catch {
      return (.damaged, "\(error)")
    }
  }

  // MARK: Inputs

  private mutating func checkInputs(_ listener: any WorkListener) {
    var seen: [Provenance.Input] = []
    for input in provenance?.works.flatMap(\.inputs) ?? [] where !seen.contains(input) {
      seen.append(input)
      listener.progress("Checking inputs", done: seen.count, total: seen.count)
      let places = ProvenanceInput(input.role, input.path).files ?? []
      var (changed, gone): ([String], [String]) = ([], [])
      for file in input.files {
        let name = file.path ?? input.path
        guard let place = places.first(where: { $0.path == file.path }) else {
          gone.append(name)
          continue
        }
        let (verdict, note) = Self.compare(file, with: place.url)
        switch verdict {
        case .ok: break
        case .gone, .missing: gone.append(name)
        case .changed, .damaged, .extra: changed.append(file.path == nil ? note : "\(name): \(note)")
        }
      }
      if !changed.isEmpty {
        add(input.role, input.path, .changed, changed.joined(separator: "; "))
      } else if !gone.isEmpty {
        let note =
          gone.count == input.files.count ? "not here any more" : gone.joined(separator: ", ") + " not here"
        add(input.role, input.path, .gone, note)
      } else {
        add(input.role, input.path, .ok)
      }
    }
  }

  // MARK: Checkpoints and models

  /// Folders that can hold checkpoints: the folder, and those of a run's parts.
  private static let parts = ["", "features", "baseline"]

  private mutating func checkCheckpoints(in url: URL) {
    for part in Self.parts {
      let folder = part.isEmpty ? url : url.appending(path: part)
      for (_, checkpoint) in CheckpointFolder.checkpoints(in: folder) {
        let name = (part.isEmpty ? "" : part + "/") + checkpoint.lastPathComponent
        do throws(TrainingError) {
          guard let manifest = try CheckpointManifest(readFrom: checkpoint) else {
            add("checkpoint", name, .extra, "of an older form, without checksums")
            continue
          }
          try manifest.verify(checkpoint)
          add("checkpoint", name, .ok)
        } catch {
          if case .checkpoint(_, let problem) = error {
            add("checkpoint", name, .damaged, problem)
          } else {
            add("checkpoint", name, .damaged, "\(error)")
          }
        }
      }
    }
  }

  private mutating func checkModels(in url: URL) {
    let configs = Provenance.paths(in: url).filter { $0 == "config.json" || $0.hasSuffix("/config.json") }
    for config in configs {
      let folder = url.appending(path: config).deletingLastPathComponent()
      // A folder of a teacher's answers has its configuration without weights, and so has one of pooling.
      guard ModelFiles(in: folder).hasWeights else { continue }
      let name = String(config.dropLast("config.json".count)) + (ModelFiles(in: folder).weights ?? "")
      do {
        let report = try CheckpointReport(directory: folder)
        _ = try TokenizedModel(folder.relativePath, load: TaskModel.stored)
        add(
          "model", name, report.warning == nil ? .ok : .damaged, report.warning ?? "loads, all weights finite"
        )
      } catch {
        add("model", name, .damaged, "\(error)")
      }
    }
  }

  // MARK: For machines

  /// The findings with a number of each verdict.
  public var json: JSONObject {
    var counts = JSONObject()
    for verdict in Verdict.allCases {
      counts[verdict.rawValue] = .integer(findings.count { $0.verdict == verdict })
    }
    var object = JSONObject()
    object["folder"] = .string(folder)
    object["ok"] = .bool(!hasFaults)
    object["counts"] = .object(counts)
    object["findings"] = .array(
      findings.map {
        [
          "role": .string($0.role), "path": .string($0.path), "verdict": .string($0.verdict.rawValue),
          "note": .string($0.note),
        ]
      })
    return object
  }
}
