import Foundation
import Hub
import TestSupport
import Testing

/// A hub on this machine with one model, and an empty cache.
final class HubWorld {
  let hub: HubServer
  let folder: TemporaryFolder
  let commit: String

  /// Weights that the hub keeps on another host.
  static let weights = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  static let config = Array(#"{"model_type": "bert"}"#.utf8)
  static let files = [
    "config.json": config, "model.safetensors": weights, "sub/vocab.txt": Array("[PAD]\n".utf8),
  ]

  init(access: HubServer.Access = .open) throws {
    hub = try HubServer()
    folder = try TemporaryFolder()
    commit = hub.add("org/name", Self.files, access: access)
  }

  /// The folder of the model in the cache.
  var model: URL { folder.url.appending(path: "hub/models--org--name") }

  func settings(_ more: [String: String] = [:]) throws -> HubSettings {
    var settings = try HubSettings(
      environment: ["HF_HOME": folder.url.path, "HF_ENDPOINT": hub.endpoint].merging(more) { $1 })
    settings.pause = 0.01
    return settings
  }

  func repository(_ name: String = "org/name", _ more: [String: String] = [:]) throws -> HubRepository {
    try HubRepository(try #require(HubName(name)), settings: try settings(more))
  }

  /// Downloads files and returns the folder.
  @discardableResult
  func download(
    _ files: [String] = ["config.json", "model.safetensors", "sub/vocab.txt"], _ name: String = "org/name",
    _ more: [String: String] = [:], progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> URL {
    let repository = try repository(name, more)
    return try repository.download(files, of: try repository.listing(), progress: progress)
  }

  /// The error of a download.
  func fault(
    _ files: [String] = ["config.json", "model.safetensors"], _ name: String = "org/name",
    _ more: [String: String] = [:]
  ) -> HubError? {
    do {
      try download(files, name, more)
      return nil
    } catch { return error as? HubError }
  }

  /// The requests for the weights' bytes.
  var ranges: [String?] {
    hub.log.filter { $0.method == "GET" && $0.path.hasPrefix("/storage/") }.map { $0.header("Range") }
  }

  func text(_ path: String) throws -> String {
    try String(contentsOf: model.appending(path: path), encoding: .utf8)
  }

  func names(_ path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: model.appending(path: path).path)) ?? []).sorted()
  }
}
