import Foundation

/// A file that an option asks a command to write, checked before any work is done.
struct OutputFile {
  /// The path as the user gave it.
  let path: String

  /// Checks that the file can be written and that nothing is lost by it.
  ///
  /// - Parameters:
  ///   - option: What names the file, for messages.
  ///   - overwrite: Whether a file that exists may be written over.
  /// - Throws: `UsageError` for an empty path; `CommandError` for a file that exists, unless it may be written over, for a
  ///   folder, and where the folder of the file does not exist.
  init(_ path: String, option: String, overwrite: Bool) throws {
    guard !path.isEmpty else { throw UsageError("\(option) is empty; expected the path of a file to write") }
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    if manager.fileExists(atPath: path, isDirectory: &isFolder) {
      if isFolder.boolValue { throw CommandError("\(option) \(path) is a folder, expected a file") }
      if !overwrite {
        throw CommandError(
          "\(option) \(path) exists already; choose another file, or add --overwrite-output-dir to write over it"
        )
      }
    }
    let parent = URL(filePath: path).deletingLastPathComponent().path
    guard manager.fileExists(atPath: parent, isDirectory: &isFolder), isFolder.boolValue else {
      throw CommandError(
        "\(option) \(path) cannot be written: the folder \(parent) does not exist; make it first")
    }
    self.path = path
  }

  /// Whether this is one of some files, by whatever path they are named.
  func isAmong(_ paths: [String]) -> Bool {
    func real(_ path: String) -> String { URL(filePath: path).resolvingSymlinksInPath().path }
    return paths.contains { real($0) == real(path) }
  }
}
