import Foundation
import ModelFormats

/// The folder of a run, refused when it holds something that a run could damage.
struct OutputFolder {
  /// Where it is.
  let url: URL
  /// Whether it holds files that the user gave free.
  let isReused: Bool

  /// A folder that may be written into; nothing is made before `create()`.
  ///
  /// Throws when it holds files already and `overwrite` is false, or when the path is empty, a file or below one.
  init(_ path: String, overwrite: Bool) throws {
    try OutputPath.check(path, "--output")
    url = URL(filePath: path, directoryHint: .isDirectory)
    let contents = Self.contents(of: path)
    isReused = !contents.isEmpty
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
    guard isFolder.boolValue else {
      throw CommandError("--output \(path) is a file; expected a folder, or a path where none exists yet")
    }
    if !contents.isEmpty && !overwrite {
      throw CommandError(
        "--output \(path) is not empty (it holds \(contents.sorted().prefix(3).joined(separator: ", "))"
          + "\(contents.count > 3 ? ", …" : "")); choose another folder, or add --overwrite-output-dir")
    }
  }

  /// What is in a folder, but for locks and for what a killed process has left half-written.
  private static func contents(of path: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0 != FolderLock.fileName && !TemporaryName.isTemporary($0) }
  }

  /// Makes the folder and those above it, and clears away what a killed process has left half-written there.
  func create() throws {
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw CommandError("cannot make the folder \(url.path): \(error.localizedDescription)")
    }
    TemporaryName.removeLeftovers(in: url)
  }

  /// Writes a JSON file of results.
  func write(_ object: JSONObject, as name: String) throws {
    try JSONValue.object(object).write(to: url.appending(path: name))
  }

  /// Writes a text file.
  func write(_ text: String, as name: String) throws {
    try AtomicFile.write(Array(text.utf8), to: url.appending(path: name))
  }
}

/// A path that something shall be written to.
enum OutputPath {
  /// Throws when nothing can ever be there: the path is empty, or goes through a file.
  static func check(_ path: String, _ option: String) throws {
    if path.isEmpty { throw CommandError("\(option) is empty; expected a path") }
    var parent = URL(filePath: path).absoluteURL.standardizedFileURL.deletingLastPathComponent()
    var isFolder: ObjCBool = false
    while !FileManager.default.fileExists(atPath: parent.path, isDirectory: &isFolder) {
      if parent.pathComponents.count <= 1 { return }
      parent.deleteLastPathComponent()
    }
    if !isFolder.boolValue {
      throw CommandError(
        "\(option) \(path) is below \(parent.path), which is a file; expected a path below a folder")
    }
  }
}
