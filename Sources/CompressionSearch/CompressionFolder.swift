import Compression
import Foundation
import ModelFormats
import Tasks

/// Folder of a compression: its settings, its plan, and the points that are finished, so that a killed one goes on.
struct CompressionFolder {
  /// The folder.
  var url: URL { output.url }
  /// The points in the order in which they were made.
  private(set) var points: [CompressionPoint] = []
  /// The shares of the distillations' epochs, by the names of the steps that have begun.
  private(set) var shares: [String: Double] = [:]
  /// Names of models in integers that would have lost too much.
  private(set) var leftOut: [String] = []
  /// Seconds that finished parts took.
  private(set) var seconds = 0.0
  /// The amounts of the plan by which the folder was begun; nil for a new one.
  private(set) var amounts: [String]?
  private let settings: JSONObject
  private let output: OutputFolder
  private var lock: FolderLock?
  /// The file of a compression with other settings, which may be overwritten.
  private var outdated: JSONValue?

  /// The file of everything that must be known again.
  static let fileName = "compression.json"

  private var file: URL { url.appending(path: Self.fileName) }
  /// The folder of what is needed on the way and goes at the end.
  var work: URL { url.appending(path: "work", directoryHint: .isDirectory) }

  /// The folder of a point.
  func folder(of name: String) -> URL { url.appending(path: name, directoryHint: .isDirectory) }

  /// The folder as it is found: that of the same job goes on, an empty one begins.
  ///
  /// Nothing is made before `open()`.
  ///
  /// - Throws: `TaskError` for a folder that holds something else, or a compression with other settings, unless it may be
  ///   overwritten.
  init(_ path: String, settings: JSONObject, overwrites: Bool) throws {
    let place = URL(filePath: path, directoryHint: .isDirectory)
    let known = try? JSONValue(contentsOf: place.appending(path: Self.fileName))
    let isOwn = known?["settings"]?.objectValue != nil
    output = try OutputFolder(path, overwrite: overwrites || isOwn)
    self.settings = settings
    guard let known, let before = known["settings"] else { return }
    if let difference = Self.difference(before, .object(settings)) {
      guard overwrites else {
        throw TaskError(
          "\(place.path) holds a compression with other settings: \(difference); choose another --output, or add "
            + "--overwrite-output-dir to begin anew")
      }
      outdated = known
    } else {
      take(known)
    }
  }

  /// Takes what finished parts of the same job have left.
  private mutating func take(_ known: JSONValue) {
    points = known["points"]?.arrayValue?.compactMap(CompressionPoint.init) ?? []
    for (name, share) in known["shares"]?.objectValue ?? JSONObject() { shares[name] = share.doubleValue }
    leftOut = known["left_out"]?.arrayValue?.compactMap(\.stringValue) ?? []
    seconds = known["seconds"]?.doubleValue ?? 0
    amounts = known["amounts"]?.arrayValue?.compactMap(\.stringValue)
  }

  /// Makes the folder, locks it, and removes what a compression with other settings has left.
  ///
  /// - Throws: `TaskError` when another process has begun or changed a compression here since the folder was looked at;
  ///   `FormatError` when one is writing into it.
  mutating func open() throws {
    try output.create()
    lock = try FolderLock(url)
    let now = try? JSONValue(contentsOf: file)
    if let outdated { return try clear(now ?? outdated) }
    let (planned, known) = (amounts, points.count)
    if let now { take(now) }
    guard amounts == planned, points.count == known else {
      release()
      throw TaskError(
        "\(url.path): another process has written a compression here meanwhile; run the command again")
    }
  }

  /// Gives the folder free.
  func release() { lock?.release() }

  /// The first setting that differs, in words; nil where all are equal.
  private static func difference(_ before: JSONValue, _ now: JSONValue, at path: String = "") -> String? {
    if let old = before.objectValue, let new = now.objectValue {
      for key in Set(old.map(\.key) + new.map(\.key)).sorted() {
        let inner = path.isEmpty ? key : "\(path).\(key)"
        if let found = difference(old[key] ?? .null, new[key] ?? .null, at: inner) { return found }
      }
      return nil
    }
    if let old = before.arrayValue, let new = now.arrayValue, old.count == new.count,
      old.contains(where: { $0.objectValue != nil })
    {
      for index in old.indices {
        if let found = difference(old[index], new[index], at: "\(path)[\(index)]") { return found }
      }
      return nil
    }
    func shown(_ value: JSONValue) -> String {
      value.isNull ? "not set" : printable(value.compactText, atMost: 80)
    }
    return before == now ? nil : "\(path) was \(shown(before)), is \(shown(now))"
  }

  /// Removes what a compression with other settings has left.
  private func clear(_ known: JSONValue) throws {
    let names = known["points"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
    for name in names where name != CompressionPoint.modelName && !name.contains("/") {
      try remove(folder(of: name))
    }
    try remove(work)
    try remove(file)
  }

  private func remove(_ url: URL) throws {
    if FileManager.default.fileExists(atPath: url.path) { try TemporaryName.remove(url) }
  }

  /// The point of a name; nil where it is not finished.
  func point(_ name: String) -> CompressionPoint? { points.first { $0.name == name } }

  /// Notes the plan's amounts, which a compression that goes on keeps.
  mutating func begin(_ plan: CompressionPlan) throws {
    amounts = plan.steps.map(\.step.description)
    try write()
  }

  /// Notes a finished point and the time that it took.
  mutating func add(_ point: CompressionPoint, seconds: Double) throws {
    points = CompressionPoint.markingFront(points.filter { $0.name != point.name } + [point])
    self.seconds += seconds
    try write()
  }

  /// Notes a model in integers that lost too much.
  mutating func leaveOut(_ name: String) throws {
    leftOut.append(name)
    try write()
  }

  /// Notes the share of a distillation's epochs before it begins.
  mutating func set(share: Double, of name: String) throws {
    shares[name] = share
    try write()
  }

  /// Removes what is not needed any more: the work, and models that others beat, unless all are kept.
  mutating func finish(keepsAll: Bool) throws {
    try remove(work)
    if keepsAll { return }
    for index in points.indices
    where !points[index].isOnFront && points[index].name != CompressionPoint.modelName {
      points[index].folder = nil
    }
    // First what is said, then what is there: a kill in between leaves a folder too many, and no lie.
    try write()
    for point in points where point.folder == nil { try remove(folder(of: point.name)) }
  }

  /// Removes a folder of the work.
  func removeWork(_ name: String) throws { try remove(work.appending(path: name)) }

  /// Everything for machines.
  var json: JSONObject {
    var object = JSONObject()
    object["potstill"] = .string(LibraryVersion.current)
    object["settings"] = .object(settings)
    object["amounts"] = amounts.map { .array($0.map(JSONValue.string)) }
    var shares = JSONObject()
    for (name, share) in self.shares.sorted(by: { $0.key < $1.key }) { shares[name] = .double(share) }
    object["shares"] = .object(shares)
    object["left_out"] = .array(leftOut.map(JSONValue.string))
    object["seconds"] = .double((seconds * 10).rounded() / 10)
    object["points"] = .array(points.map { .object($0.json) })
    return object
  }

  private func write() throws { try JSONValue.object(json).write(to: file) }
}
