import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
public import Tasks

/// HTTP server of a model: `POST /predict`, `POST /tokenize`, `GET /health`, `/metrics`, `/openapi.json`, and a page at `/`.
public struct PredictionServer: Sendable {
  private let service: PredictionService
  private let metrics = ServerMetrics()
  private var logger = Logger(label: "potstill")
  private var quiet = Logger(label: "potstill")

  /// A server with its models loaded.
  ///
  /// - Throws: `ServerError` for settings that do not go together; what loading throws.
  public init(_ settings: ServerSettings, listener: any WorkListener = SilentListener()) throws {
    try settings.check()
    let metrics = metrics
    func load(_ path: String) throws -> ServedModel {
      try ServedModel(path, settings: settings, listener: listener) { metrics.answered($0, seconds: $1) }
    }
    let student = try load(settings.model)
    let teacher = try settings.teacher.map(load)
    if let teacher, teacher.needsPair != student.needsPair {
      throw ServerError(
        "--teacher \(settings.teacher ?? "") and --model \(settings.model) answer different kinds of requests"
      )
    }
    service = PredictionService(student: student, teacher: teacher, settings: settings)
    // Connections that break are no news; what the responder cannot answer is.
    (quiet.logLevel, logger.logLevel) = (.critical, .error)
  }

  /// Serves until its task is cancelled.
  ///
  /// - Parameter started: Told of the port once requests are accepted.
  /// - Throws: `ServerError` when the address is taken or is none.
  public func run(started: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
    try await run(started) { try await $0.run() }
  }

  /// Serves until SIGTERM or SIGINT, after which requests in progress are answered and new ones refused.
  ///
  /// - Parameter started: Told of the port once requests are accepted.
  /// - Throws: As above.
  public func runUntilSignal(started: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
    try await run(started) { try await $0.runService() }
  }

  private func run(
    _ started: @escaping @Sendable (Int) async -> Void,
    _ body: (Application<PredictionResponder>) async throws -> Void
  ) async throws {
    let settings = service.settings
    let deadlines = RequestDeadlines()
    let application = Application(
      responder: PredictionResponder(
        service: service, metrics: metrics, deadlines: deadlines, logger: logger),
      server: .http1(
        configuration: .init(
          idleTimeout: .milliseconds(Int64(settings.idleTime * 1000)),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
      configuration: ApplicationConfiguration(
        address: .hostname(settings.host, port: settings.port), serverName: "potstill",
        availableConnectionsDelegate: MaximumAvailableConnections(settings.maxConnections)),
      onServerRunning: { await started($0.localAddress?.port ?? settings.port) },
      eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), logger: quiet)
    let watch = Task { await deadlines.watch() }
    defer {
      watch.cancel()
      service.stop()
    }
    do { try await body(application) } catch let error as IOError {
      throw ServerError(
        "could not listen on \(settings.host), port \(settings.port): \(String(cString: strerror(error.errnoCode))); "
          + "--port 0 takes a free port")
    }
  }
}

/// Settings of a server: where it listens, what it loads, and the limits within which it answers.
public struct ServerSettings: Sendable {
  /// Folder or name of the model.
  public var model: String
  /// Folder or name of a second model that answers beside it; nil for none.
  public var teacher: String?
  /// Whether models with NaN or infinite weights may answer.
  public var allowsNonFinite = false
  /// Address to listen on; only loopback without a token.
  public var host = "127.0.0.1"
  /// Port to listen on; 0 lets the system choose.
  public var port = 8080
  /// Bearer token that each request but `GET /health` must bring; nil for none.
  public var token: String?
  /// Longest input in tokens; nil for what the model takes.
  public var maxSequenceLength: Int?
  /// Most bytes of a request's body.
  public var maxBodyBytes = 1_000_000
  /// Most texts of one request.
  public var maxTexts = 1024
  /// Seconds within which a request is read and answered.
  public var timeLimit = 30.0
  /// Most texts that wait for the model; beyond it requests are refused with 429.
  public var maxWaitingTexts = 4096
  /// Most connections at a time; others wait until one ends.
  public var maxConnections = 1024
  /// Seconds after which a connection without a request is closed.
  public var idleTime = 60.0

  /// Settings of a server for a model.
  public init(model: String) { self.model = model }

  /// Whether an address can be reached from this machine alone.
  public static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// Checks that only this machine, or who knows the token, can ask.
  ///
  /// - Throws: `ServerError`.
  func check() throws(ServerError) {
    precondition((0...65535).contains(port), "A port is a number from 0 to 65535.")
    precondition(
      maxBodyBytes > 0 && maxTexts > 0 && maxWaitingTexts > 0 && maxConnections > 0,
      "A limit of a server is a number of at least 1.")
    precondition((1e-3...86_400).contains(timeLimit), "A time limit is a number of seconds of at most a day.")
    guard let token else {
      guard Self.isLoopback(host) else {
        throw ServerError(
          "--host \(host) can be reached from other machines; set POTSTILL_SERVE_TOKEN to a secret that clients send as "
            + "'Authorization: Bearer …', or keep to 127.0.0.1")
      }
      return
    }
    guard token.utf8.count >= 16, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw ServerError(
        "POTSTILL_SERVE_TOKEN has \(token.utf8.count) bytes; expected at least 16 printable ones without spaces, such as "
          + "those of 'openssl rand -hex 16'")
    }
  }
}

/// Error of a server that cannot begin.
public struct ServerError: Error, CustomStringConvertible, Equatable {
  /// The message for the user.
  public let description: String

  /// An error with its message.
  public init(_ description: String) { self.description = description }
}
