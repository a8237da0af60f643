import Foundation
import ModelFormats
import TaskData

/// Writes the files of a sample task.
enum SampleFiles {
  /// Writes texts under their names; the folder is created, and a file appears under its name only when it is complete.
  ///
  /// Throws `TaskDataError.unwritableFile`.
  static func write(_ files: [(name: String, content: String)], to folder: URL) throws(TaskDataError) {
    var path = folder.path(percentEncoded: false)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for (name, content) in files {
        let url = folder.appending(path: name)
        path = url.path(percentEncoded: false)
        try AtomicFile.write(Array(content.utf8), to: url)
      }
    } catch FormatError.cannotWrite(_, let reason) {
      throw .unwritableFile(path: path, reason: reason)
    } catch {
      throw .unwritableFile(path: path, reason: error.localizedDescription)
    }
  }
}
