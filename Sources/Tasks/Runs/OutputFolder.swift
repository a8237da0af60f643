import Cluster
public import Foundation
public import ModelFormats

/// The folder of a run, refused when it holds something that a run could damage.
public struct OutputFolder {
  /// The folder.
  public let url: URL
  /// Whether it holds files that the user gave free.
  public let isReused: Bool

  /// A folder that may be written into; nothing is made before `create()`.
  ///
  /// - Throws: `TaskError` when it holds files already and `overwrite` is false, or when the path is empty, a file or below
  ///   one; `FormatError.cannotWrite` while a run of another process is writing into it.
  public init(_ path: String, overwrite: Bool) throws {
    try OutputPath.check(path, "--output")
    url = URL(filePath: path, directoryHint: .isDirectory)
    // Rank 0 alone looks and writes there, and may be ahead of the others.
    let contents = Ranks.process.isFirst ? Self.contents(of: path) : []
    isReused = !contents.isEmpty
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
    guard isFolder.boolValue else {
      throw TaskError("--output \(path) is a file; expected a folder, or a path where none exists yet")
    }
    if !contents.isEmpty && !overwrite {
      throw TaskError(
        "--output \(path) is not empty (it holds \(contents.sorted().prefix(3).joined(separator: ", "))"
          + "\(contents.count > 3 ? ", …" : "")); choose another folder, or add --overwrite-output-dir")
    }
    if Ranks.process.isFirst { try FolderLock.checkIsFree(url) }
  }

  /// Contents of a folder, but for locks and for what a killed process has left half-written.
  private static func contents(of path: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0 != FolderLock.fileName && !TemporaryName.isTemporary($0) }
  }

  /// Makes the folder and those above it, and clears away what a killed process has left half-written there.
  public func create() throws {
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw TaskError("cannot make the folder \(url.path): \(describeFileError(error))")
    }
    TemporaryName.removeLeftovers(in: url)
  }

  /// Writes files into the folder; a new one is there whole or not at all, and in one that exists files of other names stay.
  ///
  /// - Parameters:
  ///   - name: A word for what is written, part of the temporary name.
  ///   - fill: Writes the files into an empty folder.
  /// - Throws: `TaskError` when the folder cannot be made, `FormatError.cannotWrite`, and what `fill` throws.
  package func addFiles(as name: String, _ fill: (URL) throws -> Void) throws {
    if FileManager.default.fileExists(atPath: url.path) {
      try create()
      try AtomicFolder.addFiles(to: url, as: name, fill)
    } else {
      try AtomicFolder.write(url, fill)
    }
  }

  /// Writes a JSON file of results.
  public func write(_ object: JSONObject, as name: String) throws {
    try JSONValue.object(object).write(to: url.appending(path: name))
  }

  /// Writes a text file.
  public func write(_ text: String, as name: String) throws {
    try AtomicFile.write(Array(text.utf8), to: url.appending(path: name))
  }
}

/// Path of a file or folder to write.
package enum OutputPath {
  /// Checks that a path is not empty and does not go through a file.
  ///
  /// - Throws: `TaskError`.
  package static func check(_ path: String, _ option: String) throws {
    if path.isEmpty { throw TaskError("\(option) is empty; expected a path") }
    var parent = URL(filePath: path).absoluteURL.standardizedFileURL.deletingLastPathComponent()
    var isFolder: ObjCBool = false
    while !FileManager.default.fileExists(atPath: parent.path, isDirectory: &isFolder) {
      if parent.pathComponents.count <= 1 { return }
      parent.deleteLastPathComponent()
    }
    if !isFolder.boolValue {
      throw TaskError(
        "\(option) \(path) is below \(parent.path), which is a file; expected a path below a folder")
    }
  }
}

/// A file that an option asks a command to write, checked before any work is done.
public struct OutputFile {
  /// The path as the user gave it.
  public let path: String

  /// Checks that the file can be written and that nothing is lost by it.
  ///
  /// - Parameters:
  ///   - option: The option that names the file, for messages.
  ///   - overwrite: Whether a file that exists may be written over.
  /// - Throws: `TaskError` for a file that exists, unless it may be written over, for a
  ///   folder, and where the folder of the file does not exist.
  public init(_ path: String, option: String, overwrite: Bool) throws {
    guard !path.isEmpty else { throw TaskError("\(option) is empty; expected the path of a file to write") }
    try OutputPath.check(path, option)
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    if manager.fileExists(atPath: path, isDirectory: &isFolder) {
      if isFolder.boolValue { throw TaskError("\(option) \(path) is a folder, expected a file") }
      if !overwrite {
        throw TaskError(
          "\(option) \(path) exists already; choose another file, or add --overwrite-output-dir to write over it"
        )
      }
    }
    let parent = URL(filePath: path).deletingLastPathComponent().path
    guard manager.fileExists(atPath: parent, isDirectory: &isFolder), isFolder.boolValue else {
      throw TaskError(
        "\(option) \(path) cannot be written: the folder \(parent) does not exist; make it first")
    }
    self.path = path
  }

  /// Whether this is one of some files, by whatever path they are named.
  public func isAmong(_ paths: [String]) -> Bool {
    func real(_ path: String) -> String { URL(filePath: path).resolvingSymlinksInPath().path }
    return paths.contains { real($0) == real(path) }
  }
}
