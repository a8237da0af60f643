import Foundation
import Hub
import ModelFormats
import TestSupport
import Testing

/// Uploads to a hub on this machine.
@Suite struct UploadTests {
  private let world: HubWorld
  init() throws { world = try HubWorld() }

  private func upload(_ name: String, token: String? = HubServer.token, revision: String = "main") throws
    -> HubUpload
  {
    let name = try #require(HubName(repository: name, revision: revision))
    return try HubUpload(to: name, settings: world.settings(token.map { ["HF_TOKEN": $0] } ?? [:]))
  }

  private func files() throws -> [(path: String, url: URL)] {
    try [
      ("config.json", HubWorld.config), ("model.safetensors", HubWorld.weights), ("empty.txt", []),
      ("ignored.txt", [1]),
    ]
    .map { name, bytes in (name, URL(filePath: try world.folder.write(bytes, name))) }
  }

  private func fault(_ body: () throws -> Void) -> HubError? {
    do {
      try body()
      return nil
    } catch { return error as? HubError }
  }

  @Test(arguments: [nil, 60_000, 200_000, 1000])
  func filesBecomeOneCommit(_ partSize: Int?) throws {
    world.hub.setPartSize(partSize)
    world.hub.change(nil)
    // The hub of these tests has the weights already, under another name.
    let weights = HubWorld.weights.reversed().map { $0 }
    var files = try files()
    files[1].url = URL(filePath: try world.folder.write(weights, "other"))
    var upload = try upload("me/new")
    upload.isPrivate = true
    var work: Set<String> = []
    let commit = try #require(
      try upload.run(files) { title, done, total in
        work.insert(title)
        #expect(done <= total)
      })
    #expect(commit.url == "\(world.hub.endpoint)/me/new/commit/\(commit.commit)" && commit.pullRequest == nil)
    #expect(work == ["Reading (kB)", "Uploading (kB)"])
    let stored = try #require(world.hub.files(of: "me/new"))
    #expect(stored.keys.sorted() == [".gitattributes", "config.json", "empty.txt", "model.safetensors"])
    #expect(stored["config.json"] == HubWorld.config && stored["model.safetensors"] == weights)
    #expect(world.hub.access(of: "me/new") == .restricted)
    let puts = world.hub.log.filter { $0.method == "PUT" }
    #expect(puts.count == partSize.map { (200_000 + $0 - 1) / $0 } ?? 1)
    #expect(
      puts.allSatisfy {
        $0.header("Authorization") == nil && $0.header("Host")?.hasPrefix("localhost") == true
      })
    // The same again is nothing new.
    world.hub.clearLog()
    #expect(try upload.run(files) == nil)
    #expect(!world.hub.log.contains { $0.method == "PUT" || $0.path.contains("/commit/") })
  }

  @Test func branchesAndPullRequests() throws {
    let files = try files()
    _ = try upload("org/name", revision: "v2").run(files)
    #expect(world.hub.files(of: "org/name", branch: "v2")?["empty.txt"] == [])
    #expect(world.hub.files(of: "org/name")?["empty.txt"] == nil)
    // The hub has the weights.
    #expect(!world.hub.log.contains { $0.method == "PUT" })
    var request = try upload("org/name")
    (request.createsPullRequest, request.message) = (true, "A \"message\"")
    let commit = try #require(try request.run(files))
    #expect(commit.pullRequest == "\(world.hub.endpoint)/org/name/discussions/1")
    #expect(world.hub.files(of: "org/name", branch: "refs/pr/1")?["empty.txt"] == [])
    let body = try #require(world.hub.log.last { $0.path.contains("/commit/") }?.body)
    let head = try JSONValue(parsing: String(decoding: body, as: UTF8.self).components(separatedBy: "\n")[0])
    #expect(head["value"]?["summary"]?.stringValue == "A \"message\"")
  }

  @Test func faultsSayWhatToDo() throws {
    let files = try files()
    let noToken = fault { _ = try upload("me/new", token: nil) }
    #expect(noToken?.kind == .token && noToken?.description.contains("set HF_TOKEN") == true)
    let wrong = fault { _ = try upload("me/new", token: "hf_wrong").run(files) }
    #expect(
      wrong?.kind == .token && wrong?.description.contains("makes no repository me/new") == true,
      "\(wrong?.description ?? "")")
    let foreign = fault { _ = try upload("others/new").run(files) }
    #expect(
      foreign?.description.contains("You don't have the rights") == true, "\(foreign?.description ?? "")")
    var secret = try upload("org/name")
    secret.isPrivate = true
    let isPublic = fault { _ = try secret.run(files) }
    #expect(isPublic?.description.contains("exists and is public, so nothing was uploaded") == true)
    #expect(!world.hub.log.contains { $0.path.contains("preupload") })
    #expect(fault { _ = try upload("name") }?.description.contains("your-name/name") == true)
    #expect(fault { _ = try upload("org/name").run([("../x", files[0].url)]) } != nil)
    #expect(throws: FormatError.self) {
      _ = try upload("org/name").run([("x", world.folder.url.appending(path: "nosuch"))])
    }
  }

  @Test func aPartThatFailsIsSentAgain() throws {
    let count = Counter()
    world.hub.setPartSize(60_000)
    world.hub.change { request, reply in
      request.method == "PUT" && count.next() == 2 ? ServedReply(500) : reply
    }
    let url = URL(filePath: try world.folder.write(HubWorld.weights.reversed(), "other"))
    _ = try upload("me/new").run([("model.safetensors", url)])
    #expect(count.value == 5)
    #expect(world.hub.files(of: "me/new")?["model.safetensors"] == HubWorld.weights.reversed())
  }
}
