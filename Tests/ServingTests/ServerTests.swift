import Foundation
import ModelFormats
import Serving
import Tasks
import TestSupport
import Testing

/// Servers that are asked over real connections.
@Suite struct ServerTests {
  let world: ServedWorld

  init() throws { world = try ServedWorld() }

  @Test func answersAreThoseOfPredict() async throws {
    let world = world
    let expected = try world.direct(
      "student",
      [
        PredictionItem(text: "the film was good"), PredictionItem(text: "北京 \u{1F600}"),
        PredictionItem(text: "a", pair: "b"),
      ]
    ).map(\.json)
    let teacher = try world.direct("teacher", [PredictionItem(text: "the film was good")]).map(\.json)
    try await world.serve { url in
      let one = try Reply("POST", "/predict", #"{"text": "the film was good"}"#, at: url)
      #expect(one.status == 200 && one.head.contains("Content-Type: application/json"))
      try expectSame(one.json, expected[0])
      let pair = try Reply("POST", "/predict", #"{"text": "a", "text_pair": "b"}"#, at: url)
      try expectSame(pair.json, expected[2])
      let list = try Reply(
        "POST", "/predict",
        #"{"texts": ["the film was good", "北京 \ud83d\ude00", {"text": "a", "text_pair": "b"}]}"#, at: url)
      let answers = try #require(list.json["predictions"]?.arrayValue)
      #expect(answers.count == 3)
      for (answer, other) in zip(answers, expected) { try expectSame(answer, other) }
    }
    try await world.serve("student", { $0.teacher = world.path("teacher") }) { url in
      let both = try Reply("POST", "/predict", #"{"text": "the film was good"}"#, at: url).json
      try expectSame(both, expected[0])
      try expectSame(#require(both["teacher"]), teacher[0])
      #expect(try Reply("GET", "/health", at: url).json["teacher"]?["name"] == "teacher")
    }
  }

  @Test func questionsAreAnsweredFromTheirPassage() async throws {
    let world = world
    let body = #"{"question": "was the film good ?", "context": "the film was very good ."}"#
    let expected = try world.direct(
      "reader", [PredictionItem(text: "was the film good ?", pair: "the film was very good .")]
    ).map(\.prediction)
    try await world.serve("reader") { url in
      let answer = try Reply("POST", "/predict", body, at: url).json
      #expect(answer["answer"] == expected[0])
      #expect(answer["start"]?.intValue != nil)
      for wrong in [#"{"text": "x"}"#, #"{"texts": ["x", "y"]}"#, #"{"question": "x"}"#] {
        let reply = try Reply("POST", "/predict", wrong, at: url)
        #expect(
          reply.status == 422 && reply.body.contains(#"\"question\": …, \"context\": …"#), "\(reply.body)")
      }
      let empty = try Reply("POST", "/predict", #"{"question": " ", "context": "x"}"#, at: url)
      #expect(empty.status == 422 && empty.body.contains("found an empty question"), "\(empty.body)")
    }
  }

  @Test func whatItIsCanBeAsked() async throws {
    let world = world
    try await world.serve { url in
      let health = try Reply("GET", "/health", at: url).json
      #expect(health["status"] == "ok" && health["model"]?["labels"] == ["negative", "positive"])
      let tokens = try Reply("POST", "/tokenize", #"{"text": "very 北京"}"#, at: url).json
      #expect(tokens["tokens"] == ["[CLS]", "very", "北", "京", "[SEP]"])
      #expect(tokens["offsets"] == [[0, 0], [0, 4], [5, 6], [6, 7], [0, 0]])
      #expect(tokens["sequences"] == [nil, 0, 0, 0, nil])
      let document = try Reply("GET", "/openapi.json", at: url).json
      for path in ["/predict", "/tokenize", "/health", "/metrics", "/openapi.json", "/"] {
        #expect(document["paths"]?[path] != nil, "\(path)")
      }
      let page = try Reply("GET", "/", at: url)
      #expect(page.head.contains("text/html") && page.head.contains("Content-Security-Policy"))
      #expect(!page.body.contains("http://") && !page.body.contains("https://"))
      let head = try Reply("HEAD", "/", at: url)
      #expect(head.status == 200 && head.body.isEmpty)
      let metrics = try Reply("GET", "/metrics", at: url).body
      #expect(
        metrics.contains("potstill_requests_total{path=\"/tokenize\",status=\"200\"} 1\n"), "\(metrics)")
      #expect(metrics.contains("potstill_request_duration_seconds_count 5\n"), "\(metrics)")
    }
  }

  @Test func wrongRequestsGetTheirFault() async throws {
    let world = world
    try await world.serve("student", { ($0.maxBodyBytes, $0.maxTexts) = (1000, 2) }) { url in
      let deep = String(repeating: "[", count: 900)
      for (status, code, body) in [
        (400, "bad_request", ""), (400, "bad_request", "{"), (400, "bad_request", "[]"),
        (400, "bad_request", "\"text\""), (400, "bad_request", #"{"text": "\ud800 lone"}"# + "x"),
        (400, "bad_request", deep), (400, "bad_request", "text=good"),
        (422, "unprocessable_content", "{}"), (422, "unprocessable_content", #"{"text": 1}"#),
        (422, "unprocessable_content", #"{"text": "a", "label": 1}"#),
        (422, "unprocessable_content", #"{"texts": []}"#),
        (422, "unprocessable_content", #"{"texts": "a"}"#),
        (422, "unprocessable_content", #"{"texts": ["a", 3]}"#),
        (422, "unprocessable_content", #"{"texts": ["a", "b", "c"]}"#),
        (422, "unprocessable_content", #"{"texts": ["a"], "text": "b"}"#),
        (422, "unprocessable_content", #"{"text": "a", "question": "b"}"#),
        (413, "content_too_large", String(repeating: "x", count: 1001)),
      ] {
        let reply = try Reply("POST", "/predict", body, at: url)
        #expect(reply.status == status, "\(body): \(reply.body)")
        let fault = try reply.json["error"]
        #expect(fault?["code"]?.stringValue == code && fault?["message"]?.stringValue?.isEmpty == false)
      }
      #expect(try Reply("GET", "/nowhere", at: url).status == 404)
      let method = try Reply("GET", "/predict", at: url)
      #expect(method.status == 405 && method.body.contains("found GET, expected POST"))
      // No length is promised, and more comes than may.
      let connection = try RawConnection(url)
      connection.send("POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
      connection.send("7d0\r\n" + String(repeating: "y", count: 2000) + "\r\n0\r\n\r\n")
      #expect(try Reply(connection.received(until: "}}")).status == 413)
      for broken in [
        "\u{0}\u{1}\u{2}\r\n\r\n", "GET /health\r\n\r\n",
        "POST /predict HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 2000) + "\r\n",
        "GET / HTTP/1.1\r\nA: " + String(repeating: "b", count: 100_000) + "\r\n\r\n",
      ] {
        let connection = try RawConnection(url)
        connection.send(broken)
        let text = connection.received()
        #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 4"), "\(broken.prefix(40)): \(text)")
      }
      #expect(try Reply("POST", "/predict", #"{"text": "good"}"#, at: url).status == 200)
    }
  }

  @Test func bodiesThatDoNotComeAreGivenUp() async throws {
    let world = world
    try await world.serve("student", { $0.timeLimit = 0.2 }) { url in
      let connection = try RawConnection(url)
      connection.send("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"te")
      let reply = try Reply(connection.received(until: "}}"))
      #expect(reply.status == 408 && reply.body.contains("request_timeout"))
      // One that goes away in the middle harms nobody.
      do {
        let gone = try RawConnection(url)
        gone.send("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
      }
      #expect(try Reply("GET", "/health", at: url).status == 200)
    }
  }

  @Test func answersThatTakeTooLongAreGivenUp() async throws {
    let world = world
    let changes: (inout ServerSettings) -> Void = {
      ($0.timeLimit, $0.maxTexts, $0.maxBodyBytes) = (0.05, 200_000, 10_000_000)
    }
    try await world.serve("student", changes) { url in
      let texts = Array(repeating: #""the film was very good""#, count: 100_000).joined(separator: ",")
      let reply = try Reply("POST", "/predict", #"{"texts": [\#(texts)]}"#, at: url)
      #expect(
        [408, 503].contains(reply.status) && reply.body.contains("in time"),
        "\(reply.status) \(reply.body.prefix(200))")
      #expect(try Reply("GET", "/health", at: url).status == 200)
    }
  }

  @Test func otherMachinesNeedTheToken() async throws {
    let world = world
    for host in ["0.0.0.0", "::", "192.168.0.1", "127.0.0.1.example.org", "example.org", ""] {
      var settings = ServerSettings(model: world.path("student"))
      settings.host = host
      let error = #expect(throws: ServerError.self) { try PredictionServer(settings) }
      #expect(error?.description.contains("POTSTILL_SERVE_TOKEN") == true)
      settings.token = "short"
      #expect(throws: ServerError.self) { try PredictionServer(settings) }
    }
    #expect(ServerSettings.isLoopback("127.8.0.1") && ServerSettings.isLoopback("localhost"))
    let token = "0123456789abcdef"
    try await world.serve("student", { ($0.host, $0.token) = ("0.0.0.0", token) }) { url in
      let body = #"{"text": "good"}"#
      for headers in [[], ["Authorization: Bearer 0123456789abcdeF"], ["Authorization: 0123456789abcdef"]] {
        let reply = try Reply("POST", "/predict", body, headers: headers, at: url)
        #expect(reply.status == 401 && reply.head.contains("WWW-Authenticate: Bearer"))
      }
      #expect(try Reply("GET", "/metrics", at: url).status == 401)
      #expect(try Reply("GET", "/health", at: url).status == 200)
      let reply = try Reply("POST", "/predict", body, headers: ["Authorization: Bearer \(token)"], at: url)
      #expect(reply.status == 200)
    }
  }

  @Test func manyAtOnceGetTheirOwnAnswers() async throws {
    let world = world
    let texts = (0..<40).map { (0...($0 % 7)).map { ServedWorld.words[$0] }.joined(separator: " ") }
    let answers = try world.direct("student", texts.map { PredictionItem(text: $0) }).map(\.json)
    try await world.serve { url in
      let all = DispatchGroup()
      for (text, json) in zip(texts, answers) {
        all.enter()
        Thread {
          defer { all.leave() }
          #expect(throws: Never.self) {
            try expectSame(Reply("POST", "/predict", #"{"text": "\#(text)"}"#, at: url).json, json)
          }
        }.start()
      }
      all.wait()
      let metrics = try Reply("GET", "/metrics", at: url).body
      #expect(metrics.contains("potstill_texts_total 40\n"), "\(metrics)")
    }
  }
}

/// Expects the answer that the model gives without a server; a text in other company may have other last bits.
private func expectSame(
  _ json: JSONValue, _ answer: JSONValue, at location: SourceLocation = #_sourceLocation
) throws {
  #expect(json["label"] == answer["label"], sourceLocation: location)
  let score = try #require(json["score"]?.doubleValue, sourceLocation: location)
  let other = try #require(answer["score"]?.doubleValue, sourceLocation: location)
  #expect(abs(score - other) < 1e-5, sourceLocation: location)
  #expect(json["probabilities"]?.objectValue?.count == 2, sourceLocation: location)
}
