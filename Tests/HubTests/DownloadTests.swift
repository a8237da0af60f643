import Foundation
import Hub
import ModelFormats
import TestSupport
import Testing

/// Downloads from a hub on this machine into a cache as `huggingface_hub` has it.
@Suite struct DownloadTests {
  private let world: HubWorld
  init() throws { world = try HubWorld() }

  private var digest: String { Digest.text(of: HubWorld.weights, by: .sha256) }
  private var partial: URL { world.model.appending(path: "blobs/\(digest).incomplete") }

  private func leave(_ bytes: [UInt8]) throws {
    try FileManager.default.createDirectory(
      at: partial.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: partial)
  }

  @Test func theCacheIsThatOfThePythonClient() throws {
    var steps: [(Int, Int)] = []
    let folder = try world.download { steps.append(($0, $1)) }
    #expect(folder.path == world.model.appending(path: "snapshots/\(world.commit)").path)
    for (name, bytes) in HubWorld.files {
      #expect(try Data(contentsOf: folder.appending(path: name)) == Data(bytes), "\(name)")
    }
    #expect(try world.text("refs/main") == world.commit)
    let git = Digest.text(of: Array("blob 6\0[PAD]\n".utf8), by: .sha1)
    #expect(world.names("blobs").contains(git) && world.names("blobs").count == 3)
    let links = FileManager.default
    #expect(
      try links.destinationOfSymbolicLink(atPath: folder.appending(path: "model.safetensors").path)
        == "../../blobs/\(digest)")
    #expect(
      try links.destinationOfSymbolicLink(atPath: folder.appending(path: "sub/vocab.txt").path)
        == "../../../blobs/\(git)")
    let tag = try String(contentsOf: world.folder.url.appending(path: "hub/CACHEDIR.TAG"), encoding: .utf8)
    #expect(tag.hasPrefix("Signature: 8a477f597d28d172789f06886806bc55\n"))
    #expect(
      FileManager.default.fileExists(
        atPath: world.folder.path("hub/.locks/models--org--name/\(digest).lock")))
    let total = HubWorld.files.values.reduce(0) { $0 + $1.count }
    #expect(
      try #require(steps.last) == (total, total) && zip(steps, steps.dropFirst()).allSatisfy { $0.0 <= $1.0 })
    // A second time nothing but the commit is asked for.
    world.hub.clearLog()
    try world.download()
    #expect(world.hub.log.map(\.path) == ["/api/models/org/name/revision/main"])
    #expect(HubCache.repository(ofSnapshot: folder) == "org/name")
  }

  @Test func theTokenStaysWithTheHub() throws {
    try world.download(
      ["config.json", "model.safetensors"], "org/name", ["HF_TOKEN": "  \(HubServer.token)\n"])
    let log = world.hub.log
    let storage = log.filter { $0.path.hasPrefix("/storage/") }
    #expect(!storage.isEmpty && storage.allSatisfy { $0.header("Host")?.hasPrefix("localhost:") == true })
    #expect(storage.allSatisfy { $0.header("Authorization") == nil })
    let others = log.filter { !$0.path.hasPrefix("/storage/") }
    #expect(others.allSatisfy { $0.header("Authorization") == "Bearer \(HubServer.token)" })
  }

  @Test func theTokenIsWhereThePythonClientHasIt() throws {
    func sent(_ more: [String: String]) throws -> String? {
      world.hub.clearLog()
      _ = try world.repository("org/name", more).listing()
      return world.hub.log.last?.header("Authorization")
    }
    #expect(try sent([:]) == nil)
    try world.folder.write(Array("\(HubServer.token)\n".utf8), "token")
    let bearer = "Bearer \(HubServer.token)"
    #expect(try sent([:]) == bearer)
    #expect(try sent(["HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"]) == nil)
    let other = try world.folder.write(Array("hf_wrong".utf8), "other")
    #expect(throws: HubError.self) { try sent(["HF_TOKEN_PATH": other]) }
    #expect(try sent(["HF_TOKEN_PATH": other, "HUGGING_FACE_HUB_TOKEN": HubServer.token]) == bearer)
    #expect(throws: HubError.self) {
      try sent(["HF_TOKEN": "hf_wrong", "HUGGING_FACE_HUB_TOKEN": HubServer.token])
    }
    #expect(throws: HubError.self) { try HubSettings(environment: ["HF_TOKEN": "two\nlines"]) }
  }

  /// A mirror may keep large files itself; the request for their size ends before those.
  @Test func largeFilesMayBeOnTheSameHost() throws {
    let endpoint = world.hub.endpoint
    world.hub.change { request, reply in
      var reply = reply
      let location = reply.headers["Location"]
      reply.headers["Location"] = location?.replacing("http://localhost", with: "http://127.0.0.1")
      return reply
    }
    try world.download()
    #expect(world.names("blobs").contains(digest))
    #expect(world.hub.log.allSatisfy { "http://\($0.header("Host") ?? "")" == endpoint })
    #expect(!world.hub.log.contains { $0.method == "HEAD" && $0.path.hasPrefix("/storage/") })
  }

  @Test func whatWasBrokenOffIsGoneOnWith() throws {
    try leave(Array(HubWorld.weights[..<120_000]))
    try world.download()
    #expect(world.ranges == ["bytes=120000-"])
    #expect(!FileManager.default.fileExists(atPath: partial.path) && world.names("blobs").contains(digest))
  }

  /// What is left of something else is found out by the checksum; a server may know no ranges.
  @Test func aWrongBeginningIsThrownAway() throws {
    try leave([UInt8](repeating: 7, count: 500))
    try world.download()
    #expect(world.ranges == ["bytes=500-", nil])
    #expect(world.names("blobs").contains(digest))
  }

  @Test func aServerWithoutRangesBeginsAnew() throws {
    try leave(Array(HubWorld.weights[..<120_000]))
    world.hub.change { request, reply in
      reply.status == 206 ? ServedReply(200, [:], HubWorld.weights) : reply
    }
    try world.download()
    #expect(world.ranges == ["bytes=120000-"] && world.names("blobs").contains(digest))
  }

  @Test func moreBytesThanThereAreAreThrownAway() throws {
    try leave(HubWorld.weights + [1])
    try world.download()
    #expect(world.ranges == [nil])
  }

  @Test func wholeBytesAreOnlyChecked() throws {
    try leave(HubWorld.weights)
    try world.download()
    #expect(world.ranges == [])
  }

  @Test func aConnectionThatBreaksOffIsMadeAgain() throws {
    world.hub.change { request, reply in
      guard request.method == "GET", request.path.hasPrefix("/storage/") else { return reply }
      var reply = reply
      reply.breaksOffAfter = 70_000
      return reply
    }
    try world.download()
    #expect(world.ranges.count == 3 && world.ranges[0] == nil && world.ranges[2]?.hasPrefix("bytes=") == true)
  }

  @Test func whatNeverComesWholeStaysForTheNextTime() throws {
    world.hub.change { request, reply in
      guard request.method == "GET", request.path.hasPrefix("/storage/") else { return reply }
      var reply = reply
      reply.breaksOffAfter = request.header("Range") == nil ? 50_000 : 0
      return reply
    }
    let fault = try #require(world.fault())
    #expect(fault.kind == .unreachable && fault.description.contains("goes on where it stopped"), "\(fault)")
    #expect(try Data(contentsOf: partial) == Data(HubWorld.weights[..<50_000]))
    #expect(world.names("snapshots/\(world.commit)") == ["config.json"])
    world.hub.change(nil)
    world.hub.clearLog()
    try world.download()
    #expect(world.ranges == ["bytes=50000-"])
  }

  @Test func wrongBytesAreNotKept() throws {
    world.hub.change { request, reply in
      guard request.path.hasPrefix("/storage/") else { return reply }
      var reply = reply
      reply.body[1000] ^= 1
      return reply
    }
    let fault = try #require(world.fault())
    #expect(fault.kind == .damaged && fault.description.contains("another checksum"), "\(fault)")
    #expect(!FileManager.default.fileExists(atPath: partial.path) && !world.names("blobs").contains(digest))
    #expect(world.names("snapshots/\(world.commit)") == ["config.json"])
    world.hub.change { request, reply in
      guard request.method == "GET", request.path.hasSuffix("/config.json") else { return reply }
      var reply = reply
      reply.body[0] = UInt8(ascii: "[")
      return reply
    }
    try FileManager.default.removeItem(at: world.model)
    #expect(try #require(world.fault()).kind == .damaged)
    world.hub.change { request, reply in
      guard request.path.hasPrefix("/storage/") else { return reply }
      var reply = reply
      reply.body += [1]
      return reply
    }
    #expect(try #require(world.fault()).description.contains("longer than the 200000 bytes"))
  }

  @Test func aBusyHubIsAskedAgain() throws {
    let count = Counter()
    world.hub.change { request, reply in
      count.next() <= 2 ? ServedReply(count.value == 1 ? 503 : 429, ["Retry-After": "1"]) : reply
    }
    _ = try world.repository().listing()
    #expect(count.value == 3)
    world.hub.change { _, _ in ServedReply(429, ["Retry-After": "7"]) }
    let fault = try #require(world.fault())
    #expect(
      fault.kind == .server && fault.description.contains("try again later (in 7 s), or set HF_TOKEN"),
      "\(fault)")
  }

  @Test func filesAreLinkedOnceAndMovedWhereThereAreNoLinks() throws {
    let second = world.hub.add("org/name", ["config.json": Array("{}".utf8)])
    try world.download(["model.safetensors"], "org/name@\(world.commit)")
    #expect(!FileManager.default.fileExists(atPath: world.model.appending(path: "refs").path))
    world.hub.clearLog()
    try world.download(["model.safetensors"])
    #expect(world.ranges == [])
    #expect(try world.text("refs/main") == second)
    try FileManager.default.removeItem(at: world.model)
    let folder = try world.download(["model.safetensors"], "org/name", ["HF_HUB_DISABLE_SYMLINKS": "yes"])
    let file = folder.appending(path: "model.safetensors")
    #expect(try file.resourceValues(forKeys: [.isSymbolicLinkKey]).isSymbolicLink == false)
    #expect(world.names("blobs") == [])
  }

  @Test func aLockIsWaitedFor() throws {
    let lock = world.folder.url.appending(path: "hub/.locks/models--org--name/\(digest).lock")
    try FileManager.default.createDirectory(
      at: lock.deletingLastPathComponent(), withIntermediateDirectories: true)
    let held = try SharedLock(lock) {}
    let repository = try world.repository()
    var waited: [String] = []
    try repository.download(
      ["model.safetensors"], of: try repository.listing(),
      waiting: {
        waited.append($0)
        held.release()
      })
    #expect(waited == ["model.safetensors"])
  }

  @Test func namesThatHaveMovedAreFollowed() throws {
    world.hub.move("bert-tiny", to: "org/name")
    let folder = try world.download(["config.json"], "bert-tiny", ["HF_TOKEN": HubServer.token])
    #expect(folder.path.contains("models--bert-tiny/snapshots/"))
    #expect(world.hub.log.allSatisfy { $0.header("Authorization") != nil })
  }
}

/// A number that counts calls of several threads.
final class Counter: @unchecked Sendable {
  // Guarded by the lock.
  private var count = 0
  private let lock = NSLock()
  var value: Int { lock.withLock { count } }
  func next() -> Int {
    lock.withLock {
      count += 1
      return count
    }
  }
}
