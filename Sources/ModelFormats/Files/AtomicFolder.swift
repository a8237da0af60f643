import Foundation

/// Writer of several files at once under a temporary name, so that none is there without the others.
package enum AtomicFolder {
  /// Writes a folder and then gives it its name; one of that name goes first.
  ///
  /// - Parameters:
  ///   - target: The folder.
  ///   - fill: Writes into a folder of another name beside it, which is removed if this throws.
  /// - Throws: What `fill` throws, `FormatError.cannotWrite` when the folder cannot be made, and Foundation's errors of files.
  package static func write(_ target: URL, _ fill: (URL) throws -> Void) throws {
    let files = FileManager.default
    let temporary = TemporaryName.beside(target)
    do {
      try make(temporary, for: target)
      try fill(temporary)
      if files.fileExists(atPath: target.path) { try TemporaryName.remove(target) }
      try files.moveItem(at: temporary, to: target)
    } catch {
      try? files.removeItem(at: temporary)
      throw error
    }
  }

  /// Writes files aside and then gives them their names in a folder, replacing those of the same names.
  ///
  /// - Parameters:
  ///   - folder: The folder, which exists.
  ///   - name: A word for what is written, part of the temporary name.
  ///   - fill: Writes the files into a folder of its own.
  /// - Throws: What `fill` throws, Foundation's errors of files, and `FormatError.cannotWrite`.
  package static func addFiles(to folder: URL, as name: String, _ fill: (URL) throws -> Void) throws {
    let files = FileManager.default
    let aside = folder.appending(path: ".\(name).\(ProcessInfo.processInfo.processIdentifier).tmp")
    defer { try? files.removeItem(at: aside) }
    try make(aside, for: folder)
    try fill(aside)
    try move(filesOf: aside, to: folder)
  }

  /// Makes a folder of a temporary name; the message names what it is for.
  private static func make(_ temporary: URL, for target: URL) throws(FormatError) {
    do { try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true) } catch {
      throw .cannotWrite(file: target.path, reason: describeFileError(error))
    }
  }

  /// Gives files another folder, and those of its folders the folder of the same name there.
  private static func move(filesOf folder: URL, to other: URL) throws {
    let files = FileManager.default
    for name in try files.contentsOfDirectory(atPath: folder.path).sorted() {
      let (source, target) = (folder.appending(path: name), other.appending(path: name))
      var isFolder: ObjCBool = false
      if files.fileExists(atPath: source.path, isDirectory: &isFolder), isFolder.boolValue,
        files.fileExists(atPath: target.path)
      {
        try move(filesOf: source, to: target)
      } else if rename(source.path, target.path) != 0 {
        throw FormatError.cannotWrite(file: target.path, reason: systemMessage())
      }
    }
  }
}

/// Names of files and folders that are being written or removed: `.NAME.PROCESS-NUMBER.tmp` beside what they are for.
///
/// The number of the process tells a later run whether whoever made them is still at work.
package enum TemporaryName {
  /// A name that nobody uses yet, in the folder of `target`.
  package static func beside(_ target: URL) -> URL {
    let suffix = ".\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0 ... .max)).tmp"
    return target.deletingLastPathComponent().appending(path: "." + target.lastPathComponent + suffix)
  }

  /// The process in a temporary name; nil for a name of another kind.
  static func process(of name: String) -> Int32? {
    guard name.hasPrefix("."), name.hasSuffix(".tmp") else { return nil }
    let parts = name.dropLast(4).split(separator: ".")
    guard parts.count >= 2, let last = parts.last else { return nil }
    return Int32(last.prefix { $0 != "-" })
  }

  /// Whether a name is one of these, whoever made it.
  package static func isTemporary(_ name: String) -> Bool { process(of: name) != nil }

  /// Removes from a folder what processes that are gone have left half-written or half-removed.
  package static func removeLeftovers(in folder: URL) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names {
      guard let process = process(of: name), process > 0 else { continue }
      let isAlive = kill(process, 0) == 0 || errno == EPERM
      if !isAlive || process == ProcessInfo.processInfo.processIdentifier {
        try? FileManager.default.removeItem(at: folder.appending(path: name))
      }
    }
  }

  /// Removes a file or folder so that no half-removed one is ever seen under its name.
  package static func remove(_ url: URL) throws {
    let aside = beside(url)
    try FileManager.default.moveItem(at: url, to: aside)
    try FileManager.default.removeItem(at: aside)
  }
}
