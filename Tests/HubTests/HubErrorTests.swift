import Foundation
import Hub
import TestSupport
import Testing

/// Errors of the hub: what happened, and what to do.
@Suite struct HubErrorTests {
  private func expect(
    _ fault: HubError?, _ kind: HubError.Kind, _ parts: [String],
    _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(fault?.kind == kind, "\(fault?.description ?? "no fault")", sourceLocation: location)
    for part in parts {
      #expect(
        fault?.description.contains(part) == true, "\(fault?.description ?? "")", sourceLocation: location)
    }
  }

  @Test func testsReachNoNetwork() throws {
    #expect(try HubSettings().offlineSwitch == "HF_HUB_OFFLINE")
  }

  @Test func whatIsNotThereIsNamed() throws {
    let world = try HubWorld()
    expect(world.fault([], "org/other"), .notFound, ["there is no model org/other on 127.0.0.1", "HF_TOKEN"])
    expect(
      world.fault([], "org/name@v9"), .notFound,
      ["has no branch, tag or commit \"v9\"", "/org/name/tree/main"])
    expect(world.fault(["nosuch.json"]), .notFound, ["org/name has no file nosuch.json at main"])
    expect(world.fault(["../../../etc/passwd"]), .server, ["which is no path"])
  }

  @Test func conditionsAndTokensAreAskedFor() throws {
    let gated = try HubWorld(access: .gated)
    expect(
      gated.fault(), .gated, ["accept its conditions at \(gated.hub.endpoint)/org/name", "set HF_TOKEN"])
    expect(
      gated.fault(["config.json"], "org/name", ["HF_TOKEN": HubServer.token]), .gated,
      ["the account of the token in HF_TOKEN has no access"])
    let own = try HubWorld(access: .restricted)
    expect(own.fault(), .notFound, ["a private model needs HF_TOKEN"])
    expect(
      own.fault(["config.json"], "org/name", ["HF_TOKEN": "hf_wrong"]), .token,
      ["does not know the token in HF_TOKEN"])
    #expect(own.fault(["config.json"], "org/name", ["HF_TOKEN": HubServer.token]) == nil)
  }

  @Test func aNetworkThatIsNotThereIsSaid() throws {
    let world = try HubWorld()
    for (name, value) in [("HF_HUB_OFFLINE", "1"), ("TRANSFORMERS_OFFLINE", "true")] {
      expect(world.fault([], "org/name", [name: value]), .offline, ["\(name) is set, so nothing"])
    }
    #expect(world.fault([], "org/name", ["HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"]) == nil)
    expect(
      world.fault([], "org/name", ["HF_ENDPOINT": "http://127.0.0.1:1"]), .unreachable,
      ["127.0.0.1:1 cannot be reached", "HF_ENDPOINT"])
    expect(
      world.fault([], "org/name", ["HF_ENDPOINT": "ftp://host"]), .settings, ["HF_ENDPOINT is \"ftp://host\""]
    )
    expect(
      world.fault([], "org/name", ["HF_HUB_ETAG_TIMEOUT": "soon"]), .settings,
      ["HF_HUB_ETAG_TIMEOUT is \"soon\""])
    world.hub.change { _, reply in
      Thread.sleep(forTimeInterval: 3)
      return reply
    }
    expect(
      world.fault([], "org/name", ["HF_HUB_ETAG_TIMEOUT": "1"]), .unreachable,
      ["did not answer in time", "HF_HUB_ETAG_TIMEOUT"])
  }

  /// A login page of a network, a mirror that is none, or a hub with an error of its own.
  @Test func otherAnswersAreNoHub() throws {
    let world = try HubWorld()
    world.hub.change { _, _ in ServedReply(200, [:], Array("<html>Log in".utf8)) }
    expect(world.fault(), .server, ["did not answer as the Hugging Face hub does"])
    world.hub.change { _, _ in ServedReply(200, [:], Array(#"{"sha": "../..", "siblings": []}"#.utf8)) }
    expect(world.fault(), .server, ["did not answer as the Hugging Face hub does"])
    world.hub.change { request, reply in
      var reply = reply
      reply.headers["X-Repo-Commit"] = nil
      return reply
    }
    expect(world.fault(), .server, ["did not answer as the Hugging Face hub does"])
    world.hub.change { request, reply in
      var reply = reply
      if request.method == "HEAD" { reply.headers["X-Linked-Etag"] = "\"../../../x\"" }
      return reply
    }
    expect(world.fault(), .server, ["says no checksum (ETag) of"])
    world.hub.change { _, _ in ServedReply(500, ["X-Error-Message": "it is broken"]) }
    expect(world.fault(), .server, ["an error of its own: status 500 (it is broken)"])
    world.hub.change { request, _ in ServedReply(302, ["Location": request.path]) }
    expect(world.fault(), .server, ["without end"])
    world.hub.change { request, reply in
      request.path.hasPrefix("/storage/") ? ServedReply(404) : reply
    }
    expect(world.fault(), .notFound, [])
  }

  @Test func aCacheThatCannotBeWrittenIsNamed() throws {
    let world = try HubWorld()
    let file = try world.folder.write([1], "file")
    expect(
      world.fault(["config.json"], "org/name", ["HF_HUB_CACHE": file]), .disk,
      ["cannot be written", "HF_HOME"])
    world.hub.change { request, reply in
      var reply = reply
      if request.method == "HEAD" { reply.headers["X-Linked-Size"] = "9000000000000000" }
      return reply
    }
    expect(
      world.fault(["model.safetensors"]), .disk,
      ["the download takes 9000000000 MB and the disk of", "make room"])
  }

  @Test func namesOfModels() throws {
    for (text, repository, revision) in [
      ("org/name", "org/name", "main"), ("bert-base-uncased", "bert-base-uncased", "main"),
      ("org/na.me_2@refs/pr/1", "org/na.me_2", "refs/pr/1"), ("o/n@v1.0", "o/n", "v1.0"),
    ] {
      let name = try #require(HubName(text), "\(text)")
      #expect(name.repository == repository && name.revision == revision, "\(text)")
    }
    for text in [
      "", "a/b/c", "./name", "../name", "/name", "name/", "org//name", "org/na--me", "a..b", "x.git",
      "org/name@",
      "org/name@../x", "org/name@a//b", "org/nämé", "a b", String(repeating: "a", count: 97), ".hidden",
    ] {
      #expect(HubName(text) == nil, "\(text)")
    }
  }
}
