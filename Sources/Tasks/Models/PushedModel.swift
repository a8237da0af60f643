import Encoders
public import Foundation

/// Files of a model's folder that go to the hub.
public struct PushedModel {
  /// Their paths in the folder, and where they are.
  public let files: [(path: String, url: URL)]

  /// The files of a folder: configuration, weights, tokenizer and card.
  ///
  /// - Parameters:
  ///   - folder: The folder of a model.
  ///   - include: Names of more files, with `*` and `?`.
  /// - Throws: `TaskError` for a folder without a whole model, and a name that no file has; `ModelError` for a configuration that
  ///   is none.
  public init(_ folder: String, include: [String] = []) throws {
    let url = URL(filePath: folder, directoryHint: .isDirectory)
    guard let kind = FolderKind(of: url) else {
      throw TaskError("\(folder): there is no such folder; expected the folder of a model")
    }
    if let fault = kind.fault { throw TaskError("\(folder): \(fault)") }
    let model = ModelFiles(in: url)
    guard model.hasWeights, let weights = model.weights else {
      throw TaskError(
        "\(folder): expected config.json and whole weights (\(ModelFiles.weightNames.joined(separator: ", ")))"
      )
    }
    _ = try EncoderConfig(directory: url)
    var names = model.texts(.whole) + [weights]
    if weights.hasSuffix(ModelFiles.indexEnding) {
      names += try ModelFiles.shards(of: url.appending(path: weights))
    }
    let all = try Self.paths(in: url)
    for pattern in include {
      let found = all.filter { Self.matches(Array($0.utf8), Array(pattern.utf8)) }
      if found.isEmpty {
        throw TaskError(
          "\(folder): no file is called \(pattern); found \(all.prefix(20).joined(separator: ", "))")
      }
      names += found
    }
    files = Set(names).sorted().map { ($0, url.appending(path: $0)) }
  }

  /// The paths of all files that are not hidden, in order.
  private static func paths(in folder: URL) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { path in
      var isFolder: ObjCBool = false
      return !path.split(separator: "/").contains { $0.hasPrefix(".") }
        && FileManager.default.fileExists(atPath: folder.appending(path: path).path, isDirectory: &isFolder)
        && !isFolder.boolValue
    }.sorted()
  }

  /// Whether a path has a form: `*` is any number of bytes, `?` is one.
  private static func matches(_ path: [UInt8], _ pattern: [UInt8]) -> Bool {
    var (place, part) = (0, 0)
    var star: (place: Int, part: Int)?
    while place < path.count {
      if part < pattern.count, pattern[part] == UInt8(ascii: "*") {
        star = (place, part)
        part += 1
      } else if part < pattern.count, pattern[part] == UInt8(ascii: "?") || pattern[part] == path[place] {
        (place, part) = (place + 1, part + 1)
      } else if let last = star {
        star = (last.place + 1, last.part)
        (place, part) = (last.place + 1, last.part + 1)
      } else {
        return false
      }
    }
    return pattern[part...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
