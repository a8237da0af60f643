import Foundation
import HTTPTypes
import Hummingbird
import Logging
import ModelFormats
import NIOCore

/// Responder of the server's paths: checks, limits, and faults as JSON.
struct PredictionResponder: HTTPResponder {
  typealias Context = BasicRequestContext

  let service: PredictionService
  let metrics: ServerMetrics
  let deadlines: RequestDeadlines
  let logger: Logger

  /// The paths with their method.
  private static let methods: [String: HTTPRequest.Method] = [
    "/": .get, "/health": .get, "/metrics": .get, "/openapi.json": .get, "/predict": .post,
    "/tokenize": .post,
  ]

  func respond(to request: Request, context: Context) async throws -> Response {
    let clock = ContinuousClock.now
    let path = Self.path(of: request)
    metrics.began()
    var response: Response
    do {
      response = try await answer(request, path: path, until: clock + .seconds(service.settings.timeLimit))
    } catch let fault as ServerFault {
      response = Self.response(to: fault)
    } catch is CancellationError {
      response = Self.response(to: .stopping)
    } catch {
      logger.error("\(request.method) \(path): \(error)")
      response = Self.response(to: .failed)
    }
    response.headers[.xContentTypeOptions] = "nosniff"
    if request.method == .head { response = response.createHeadResponse() }
    metrics.ended(
      Self.methods[path] == nil ? "other" : path, status: response.status.code,
      seconds: (ContinuousClock.now - clock) / .seconds(1))
    return response
  }

  private static func path(of request: Request) -> String { String(request.uri.path) }

  private func answer(
    _ request: Request, path: String, until deadline: ContinuousClock.Instant
  ) async throws -> Response {
    guard let method = Self.methods[path] else { throw ServerFault.notFound(path) }
    // HEAD is asked where there is GET.
    let isHead = request.method == .head && method == .get
    guard request.method == method || isHead else {
      throw ServerFault.method(request.method.rawValue, allowed: method.rawValue)
    }
    if path != "/health", path != "/" { try authorize(request) }
    switch path {
    case "/health": return Self.json(service.health)
    case "/metrics":
      let waiting = service.student.engine.waitingTexts + (service.teacher?.engine.waitingTexts ?? 0)
      return Self.response(
        Array(metrics.text(waitingTexts: waiting).utf8), type: "text/plain; version=0.0.4; charset=utf-8")
    case "/openapi.json": return Self.response(ServerFiles.openAPI, type: "application/json")
    case "/":
      var response = Self.response(ServerFiles.page, type: "text/html; charset=utf-8")
      response.headers[.contentSecurityPolicy] =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
      return response
    case "/tokenize": return try await answer(request, until: deadline) { try service.tokenize($0) }
    case "/predict": return try await answer(request, until: deadline) { try await service.predict($0) }
    case let other: throw ServerFault.notFound(other)
    }
  }

  /// Checks the token in a time that does not depend on where it differs.
  private func authorize(_ request: Request) throws(ServerFault) {
    guard let token = service.settings.token else { return }
    let expected = Array("Bearer \(token)".utf8)
    let found = Array((request.headers[.authorization] ?? "").utf8)
    var difference = UInt(bitPattern: expected.count ^ found.count)
    for (index, byte) in expected.enumerated() {
      difference |= UInt(byte ^ (index < found.count ? found[index] : 0))
    }
    if difference != 0 { throw .unauthorized }
  }

  /// The answer to a request's body, read and worked out within the time limit.
  private func answer(
    _ request: Request, until deadline: ContinuousClock.Instant,
    _ body: @escaping @Sendable ([UInt8]) async throws -> JSONValue
  ) async throws -> Response {
    try await deadlines.run(until: deadline) {
      let bytes = try await bytes(of: request, until: deadline)
      do {
        return Self.json(try await body(bytes))
      } catch let error as CancellationError {
        throw ContinuousClock.now >= deadline ? ServerFault.late : error
      }
    }
  }

  /// The body of a request within the limit of size.
  private func bytes(of request: Request, until deadline: ContinuousClock.Instant) async throws -> [UInt8] {
    let limit = service.settings.maxBodyBytes
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
      throw ServerFault.tooLarge(limit)
    }
    do {
      var bytes: [UInt8] = []
      for try await part in request.body {
        guard bytes.count + part.readableBytes <= limit else { throw ServerFault.tooLarge(limit) }
        bytes.append(contentsOf: part.readableBytesView)
      }
      // What was cancelled may end as if it were whole.
      try Task.checkCancellation()
      return bytes
    } catch let fault as ServerFault {
      throw fault
    } catch {
      if ContinuousClock.now >= deadline { throw ServerFault.slow }
      if Task.isCancelled { throw CancellationError() }
      throw ServerFault.malformed("the body broke off")
    }
  }

  // MARK: Responses

  private static func json(_ value: JSONValue) -> Response {
    response(Array(value.compactText.utf8) + [0x0A], type: "application/json")
  }

  private static func response(
    _ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok
  ) -> Response {
    Response(
      status: status, headers: [.contentType: type, .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  private static func response(to fault: ServerFault) -> Response {
    var response = response(
      Array(fault.json.compactText.utf8) + [0x0A], type: "application/json",
      status: HTTPResponse.Status(code: fault.status))
    if let seconds = fault.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
    if fault.status == 401 { response.headers[.wwwAuthenticate] = "Bearer" }
    // What is left of a body that nobody wants is not read.
    if fault.status == 413 || fault.status == 408 { response.headers[.connection] = "close" }
    return response
  }
}

/// Files of the server, compiled in: the description of its API, and its page.
enum ServerFiles {
  /// OpenAPI 3.1 document of all paths.
  static let openAPI = PackageResources.openapi_json
  /// Page to type texts into, without network of its own.
  static let page = PackageResources.playground_html
}
