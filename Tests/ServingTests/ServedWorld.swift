import Encoders
import Foundation
import Glibc
import ModelFormats
import Serving
import Tasks
import TestSupport
import Testing
import Tokenization

/// Tiny models in folders, and servers of them.
final class ServedWorld: Sendable {
  static let words = ["the", "film", "was", "good", "bad", "very", "not", "a", "b", "北", "京", "?", "."]
  // Safe because nothing changes it.
  nonisolated(unsafe) private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try save(.sequenceClassification, labels: ["negative", "positive"], seed: 1, as: "student")
    try save(.sequenceClassification, labels: ["negative", "positive"], seed: 2, as: "teacher")
    try save(.questionAnswering, labels: ["LABEL_0", "LABEL_1"], seed: 3, as: "reader")
  }

  private func save(_ head: TaskHead, labels: [String], seed: UInt64, as name: String) throws {
    let tokenizer = BertTokenizer(
      vocabulary: Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + Self.words))
    var config = EncoderConfig(
      vocabularySize: tokenizer.idLimit, hiddenSize: 16, layerCount: 2, attentionHeads: 2,
      intermediateSize: 32)
    (config.head, config.labels, config.maxPositions, config.initializerRange) = (head, labels, 32, 0.2)
    let model = TokenizedModel(
      path: name, model: try TaskModel(config: config, seed: seed), tokenizer: tokenizer)
    try model.save(to: folder.url.appending(path: name))
  }

  func path(_ name: String) -> String { folder.path(name) }

  /// The answer of a model to a text without any server.
  func direct(_ name: String, _ items: [PredictionItem]) throws -> [PredictedAnswer] {
    let model = try TokenizedModel(path(name))
    var settings = PredictionSettings()
    settings.topCount = Int.max
    var run = try PredictionRun(model, limit: model.lengthLimit(), settings: settings)
    return try run.answer(items).map(\.answer)
  }

  /// Serves a model while a body runs with the server's address, on a thread of its own: a client that waits must not keep a
  /// thread from the server.
  func serve(
    _ name: String = "student", _ change: (inout ServerSettings) -> Void = { _ in },
    _ body: @escaping @Sendable (URL) throws -> Void
  ) async throws {
    var settings = ServerSettings(model: path(name))
    settings.port = 0
    change(&settings)
    let server = try PredictionServer(settings)
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run { port.yield($0) } }
      for await number in ports {
        let url = try #require(URL(string: "http://127.0.0.1:\(number)"))
        try await onThread { try body(url) }
        break
      }
      // A connection that SwiftNIO has accepted and not yet handed over when its server is cancelled ends the process
      // ("Deinited NIOAsyncWriter without calling finish()"); those of the body are through by then.
      try await Task.sleep(for: .milliseconds(200))
      group.cancelAll()
      do { try await group.waitForAll() } catch is CancellationError {}
    }
  }
}

/// Runs a body on a thread of its own.
func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
  try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
    Thread { continuation.resume(with: Result { try body() }) }.start()
  }
}

/// Connection of a client that sends what it likes.
struct RawConnection: ~Copyable {
  private let descriptor: Int32

  init(_ url: URL) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(url.port ?? 0).bigEndian)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    try #require(code == 0)
    // The tasks of the server may have to wait for long tests that hold the threads of the pool.
    var patience = timeval(tv_sec: 180, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  /// What comes until the server closes the connection, or `end` has come.
  func received(until end: String? = nil) -> String {
    var all: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while end.map({ !String(decoding: all, as: UTF8.self).contains($0) }) ?? true {
      let count = recv(descriptor, &part, part.count, 0)
      if count <= 0 { break }
      all += part.prefix(count)
    }
    return String(decoding: all, as: UTF8.self)
  }
}

/// Response to a request: its status, its head and its body.
struct Reply {
  let status: Int
  let head: String
  let body: String

  /// Sends a request on a connection of its own.
  init(_ method: String, _ path: String, _ body: String = "", headers: [String] = [], at url: URL) throws {
    let connection = try RawConnection(url)
    let fields = ["Host: localhost", "Connection: close", "Content-Length: \(body.utf8.count)"] + headers
    connection.send("\(method) \(path) HTTP/1.1\r\n" + fields.joined(separator: "\r\n") + "\r\n\r\n" + body)
    try self.init(connection.received())
  }

  init(_ text: String) throws {
    let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
    head = String(parts[0])
    body = parts.count > 1 ? String(parts[1]) : ""
    status = try #require(Int(head.split(separator: " ").dropFirst().first ?? ""), "\(text)")
  }

  var json: JSONValue { get throws { try JSONValue(parsing: body) } }
}
