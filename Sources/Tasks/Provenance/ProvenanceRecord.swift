import Cluster
public import Datasets
public import Foundation
import Hub
import ModelFormats
import Training

/// Input of a work before its files are read: the part that it plays, and its path as the user gave it.
public struct ProvenanceInput: Sendable, Equatable {
  /// The part that it plays, such as `train_file` or `teacher`.
  public let role: String
  /// The path, or a model's name on the hub.
  public let path: String

  /// An input.
  public init(_ role: String, _ path: String) { (self.role, self.path) = (role, path) }

  /// Inputs of a work by the paths that its user gave, and further files of it as `input`.
  ///
  /// - Parameters:
  ///   - known: The inputs, which may be named by other paths of the same places.
  ///   - paths: The paths that were given; folders among them that are no input say nothing.
  package static func named(_ known: [ProvenanceInput], by paths: [String]) -> [ProvenanceInput] {
    func place(_ path: String) -> String { URL(filePath: path).absoluteURL.standardizedFileURL.path }
    let given = Dictionary(paths.map { (place($0), $0) }) { first, _ in first }
    let places = Set(known.map { place($0.path) })
    let others = paths.filter { !places.contains(place($0)) && Provenance.isRegular(URL(filePath: $0)) }
    return known.map { ProvenanceInput($0.role, given[place($0.path)] ?? $0.path) }
      + others.map { ProvenanceInput("input", $0) }
  }

  /// The files of the input that matter, by their paths in it; nil where nothing of that name is there.
  ///
  /// Of a file itself; of a model's folder its configuration, weights and tokenizer; of another folder all files that lie in it openly.
  var files: [(path: String?, url: URL)]? {
    let url = URL(filePath: path)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      let environment = ProcessInfo.processInfo.environment
      return HubName(path) == nil
        ? nil : ModelLocation.present(path, environment: environment).flatMap { Self.files(of: $0.folder) }
    }
    return isFolder.boolValue ? Self.files(of: url) : [(nil, url)]
  }

  private static func files(of folder: URL) -> [(path: String?, url: URL)] {
    // What people write about a model is no part of it.
    if let model = try? PushedModel(folder.path) {
      return model.files.filter { $0.path != ModelCard.fileName }.map { ($0.path, $0.url) }
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let left = [Provenance.fileName, ModelCard.fileName]
    return names.sorted().filter { !$0.hasPrefix(".") && !left.contains($0) }
      .map { (path: $0, url: folder.appending(path: $0)) }.filter { Provenance.isRegular($0.url) }
  }
}

extension TaskReader {
  /// Inputs of a work that learns from a task: the files of the splits that it reads.
  ///
  /// - Parameters:
  ///   - splits: The splits; those that the task has no file for are left out.
  ///   - part: The name of a further file of the splits; nil for their main files.
  public func provenance(of splits: [DataSplit], part: String? = nil) -> [ProvenanceInput] {
    splits.compactMap { split in
      guard let file = try? file(split, part) else { return nil }
      return ProvenanceInput("\(split.rawValue)_file", path(of: file))
    }
  }
}

/// Record of a work from its beginning to its end: fingerprints of what it reads first, of what it has written last.
public final class ProvenanceRecord {
  private let folder: URL
  private let inputs: [ProvenanceInput]
  private let seeds: [String: UInt64]
  private let invocation: Invocation?
  private var provenance: Provenance?

  /// A record of a work that has not begun.
  ///
  /// - Parameters:
  ///   - folder: The folder that is made.
  ///   - inputs: What the work reads; names of nothing that is there, such as the shape of a student, are left out.
  ///   - seeds: Seeds by the names of their settings.
  ///   - invocation: The command line; nil where there is none.
  public init(
    in folder: URL, of inputs: [ProvenanceInput], seeds: [String: UInt64] = [:], by invocation: Invocation?
  ) {
    (self.folder, self.inputs, self.seeds, self.invocation) = (folder, inputs, seeds, invocation)
  }

  /// The inputs with the fingerprints of their files, each once.
  private func read() throws(FormatError) -> [Provenance.Input] {
    var known: [String: Provenance.StoredFile] = [:]
    var read: [Provenance.Input] = []
    for input in inputs {
      guard let files = input.files, !files.isEmpty else { continue }
      var stored: [Provenance.StoredFile] = []
      for (path, url) in files {
        let key = "\(url.absoluteURL.standardizedFileURL.path)\n\(path ?? "")"
        let file: Provenance.StoredFile
        if let seen = known[key] { file = seen } else { file = try Provenance.StoredFile(url, path: path) }
        known[key] = file
        stored.append(file)
      }
      let made = Provenance.Input(role: input.role, path: input.path, files: stored)
      if !read.contains(made) { read.append(made) }
    }
    return read
  }

  /// Takes the fingerprints of what is read, and writes the file without those of what is to come.
  ///
  /// - Parameter older: The provenance of a work in the same folder that this one goes on from.
  /// - Throws: `FormatError`.
  package func begin(goingOnFrom older: Provenance? = nil) throws {
    var provenance = Provenance(
      madeBy: Provenance.Making(invocation, inputs: try read(), seeds: seeds, ranks: Ranks.count))
    if let older { provenance.earlier = (older.earlier ?? []) + [older.madeBy] }
    try provenance.write(to: folder)
    self.provenance = provenance
  }

  /// Takes the fingerprints of everything in the folder, and writes the file; nothing for a work that has not begun.
  ///
  /// - Throws: `FormatError`.
  package func finish() throws {
    guard var provenance else { return }
    provenance.madeBy.finished = Provenance.Making.now
    provenance.files = try Provenance.files(in: folder)
    try provenance.write(to: folder)
  }

  /// Writes the file of a work that is done, for one that takes too little time to be broken off.
  ///
  /// - Throws: `FormatError`.
  package func write() throws {
    try begin()
    try finish()
  }

  /// Writes the file of a work that has put files into a folder: the folder's own, or beside the work that made the folder.
  ///
  /// - Parameter names: The files, as paths in the folder; those that are not there are left out.
  /// - Throws: `FormatError`.
  public func add(_ names: [String]) throws {
    let older = try? Provenance(of: folder)
    guard var provenance = older, !(provenance.files ?? []).allSatisfy({ names.contains($0.path ?? "") })
    else {
      return try write()
    }
    var making = Provenance.Making(invocation, inputs: try read(), seeds: seeds, ranks: Ranks.count)
    making.finished = Provenance.Making.now
    let others = (provenance.further ?? []).filter { $0.commandLine != making.commandLine }
    provenance.further = others + [making]
    provenance.restate(names, in: folder)
    try provenance.write(to: folder)
  }
}

extension Provenance {
  /// Takes the fingerprints of some files anew in the provenance of a folder, where there is one.
  ///
  /// - Parameter names: The files, as paths in the folder; nil takes those that are there in the place of all.
  /// - Throws: `FormatError`.
  package static func restate(_ names: [String]? = nil, in folder: URL) throws {
    guard var provenance = try Provenance(of: folder) else { return }
    if let names { provenance.restate(names, in: folder) } else { provenance.files = try files(in: folder) }
    try provenance.write(to: folder)
  }

  /// Takes the fingerprints anew of what a report of a run is and is made with.
  ///
  /// - Throws: `FormatError`.
  package static func restateReport(in folder: URL) throws {
    let graphs = ["class_graph", "row_graph"].flatMap { [$0 + ".json", $0 + ".graphml"] }
    try restate(["report.html", "attention.json"] + graphs, in: folder)
  }

  /// Takes the fingerprints of some files anew.
  fileprivate mutating func restate(_ names: [String], in folder: URL) {
    guard let files else { return }
    let kept = files.filter { file in !names.contains { $0 == file.path } }
    let taken = names.compactMap { try? StoredFile(folder.appending(path: $0), path: $0) }
    self.files = (kept + taken).sorted { ($0.path ?? "") < ($1.path ?? "") }
  }

  /// Whether something is a file that can be read as bytes.
  static func isRegular(_ url: URL) -> Bool {
    let type = try? FileManager.default.attributesOfItem(atPath: url.resolvingSymlinksInPath().path)[.type]
    return type as? FileAttributeType == .typeRegular
  }

  /// The files of a folder and its folders by their paths, in order: none that is hidden, none of a checkpoint, and not the folder's
  /// own provenance.
  static func paths(in folder: URL) -> [String] {
    let all = FileManager.default.subpaths(atPath: folder.path) ?? []
    return all.filter { path in
      let parts = path.split(separator: "/")
      return path != fileName
        && !parts.contains { $0.hasPrefix(".") || CheckpointFolder.isName(String($0)) }
        && isRegular(folder.appending(path: path))
    }.sorted()
  }

  /// The files of a folder with their fingerprints.
  static func files(in folder: URL) throws(FormatError) -> [StoredFile] {
    var files: [StoredFile] = []
    for path in paths(in: folder) { files.append(try StoredFile(folder.appending(path: path), path: path)) }
    return files
  }
}
