import Foundation
import ModelFormats

/// Origin of an address: scheme, host and port.
struct HubOrigin: Equatable {
  /// The scheme, the host and the port.
  let parts: (scheme: String, host: String, port: Int)

  /// The origin of an address of HTTP or HTTPS; nil of any other.
  init?(_ text: String) {
    guard let url = URLComponents(string: text), let scheme = url.scheme?.lowercased(),
      let host = url.host?.lowercased(), !host.isEmpty, ["http", "https"].contains(scheme)
    else { return nil }
    parts = (scheme, host, url.port ?? (scheme == "https" ? 443 : 80))
  }

  static func == (a: HubOrigin, b: HubOrigin) -> Bool { a.parts == b.parts }
}

/// Client of the hub: sends requests, repeats those that may succeed later, and follows redirects.
///
/// The token goes to the hub alone, which is where `HF_ENDPOINT` says and `https://huggingface.co`, to which mirrors lead: a
/// redirect to another origin is followed without it.
final class HubClient {
  let settings: HubSettings
  /// Name of the model that the requests are about, for messages.
  let name: HubName
  let session: HTTPSession
  private let sendsToken: Bool

  /// The most that is read of an answer in JSON.
  private static let longestAnswer = 64 << 20
  /// How often a request is repeated.
  static let repetitions = 4

  /// A client.
  ///
  /// - Parameter sendsToken: Whether requests carry the token, if there is one.
  /// - Throws: `HubError` when the network is switched off or the system has no libcurl.
  init(_ name: HubName, settings: HubSettings, sendsToken: Bool) throws(HubError) {
    (self.name, self.settings, self.sendsToken) = (name, settings, sendsToken)
    if let offline = settings.offlineSwitch {
      throw HubError(.offline, "\(offline) is set, so nothing is asked for or downloaded")
    }
    do throws(HTTPFailure) { session = try HTTPSession(certificates: settings.certificates) } catch {
      throw HubError(error, url: settings.endpoint, settings: settings)
    }
  }

  /// A request to the hub or to where it leads.
  func request(
    _ method: HTTPRequest.Method, _ url: String, headers: [(String, String)] = [],
    body: HTTPRequest.Body = .none,
    stalled: Int? = nil
  ) -> HTTPRequest {
    let stalled = stalled ?? settings.downloadTimeout
    var request = HTTPRequest(
      method: method, url: url, headers: [("User-Agent", "potstill")], body: body,
      connecting: min(stalled, settings.downloadTimeout), stalled: stalled)
    request.headers += headers.map { (name: $0.0, value: $0.1) }
    return request
  }

  // MARK: Redirects

  /// Sends a request with the token, and follows redirects: those to other origins without the token.
  ///
  /// - Parameter leavesHub: Whether redirects to other origins are followed; else such an answer is the result.
  /// - Throws: `HTTPFailure` of a request that got no answer; `HubError` for redirects that lead nowhere.
  func send(
    _ original: HTTPRequest, leavesHub: Bool, sent: (Int) -> Void = { _ in }
  ) throws -> HTTPResponse {
    var request = original
    let hub = [settings.endpoint, "https://huggingface.co"].compactMap { HubOrigin($0) }
    for _ in 0..<10 {
      var sending = request
      let origin = HubOrigin(request.url)
      if sendsToken, let token = settings.token, origin.map(hub.contains) ?? false {
        sending.headers.append((name: "Authorization", value: "Bearer \(token)"))
      }
      let response = try session.send(sending, sent: sent)
      guard let target = response.redirect else { return response }
      guard let next = HubOrigin(target) else {
        throw HubError(.server, "\(settings.host) leads to \(target), which is no address of HTTP")
      }
      // What describes a large file is known before the place of its bytes, which may be on the same host.
      if !leavesHub, !hub.contains(next) || response.header("X-Linked-Etag") != nil { return response }
      if origin?.parts.scheme == "https", next.parts.scheme == "http" {
        throw HubError(
          .server,
          "\(settings.host) leads from a safe connection to \(target), which is none; nothing was read")
      }
      request.url = target
    }
    throw HubError(.server, "\(settings.host) leads from one address to the next without end")
  }

  // MARK: Repetition

  /// Does something that asks the hub, again after a pause where that may help: the connection failed, or the hub has too much
  /// to do.
  ///
  /// - Parameter isPatient: Whether a network that has just gone, and a hub that says nothing, may come back.
  /// - Throws: `HubError`, and what `body` throws otherwise.
  func repeating<Result>(
    _ url: String, isPatient: Bool = false, _ body: () throws -> Result
  ) throws -> Result {
    var pause = settings.pause
    for _ in 0..<Self.repetitions {
      do { return try body() } catch let failure as HTTPFailure {
        guard failure.cause == .brokenOff || isPatient && failure.isPassing else {
          throw HubError(failure, url: url, settings: settings)
        }
      } catch let busy as Busy {
        if let asked = busy.pause { pause = max(pause, min(asked, 60) * min(settings.pause, 1)) }
      }
      Thread.sleep(forTimeInterval: pause)
      pause = min(2 * pause, 8)
    }
    do { return try body() } catch let failure as HTTPFailure {
      throw HubError(failure, url: url, settings: settings)
    } catch let busy as Busy {
      throw busy.error
    }
  }

  /// Answer of a hub that has too much to do, or an error that may pass.
  struct Busy: Error {
    let error: HubError
    /// The seconds that it asks for.
    let pause: Double?
  }

  /// Checks the status of an answer, whose body it reads when it is an error.
  ///
  /// - Throws: `HubError`; `Busy` for one that may pass; `HTTPFailure`.
  func check(_ response: HTTPResponse, file: String? = nil) throws {
    guard response.status >= 400 else { return }
    let words = try message(of: response)
    let error = HubError(response, name: name, file: file, words: words, settings: settings)
    if [408, 429, 500, 502, 503, 504].contains(response.status) {
      throw Busy(error: error, pause: response.header("Retry-After").flatMap { Double($0) })
    }
    throw error
  }

  /// The words of the server for an error.
  private func message(of response: HTTPResponse) throws -> String {
    if let message = response.header("X-Error-Message") { return printable(message, atMost: 300) }
    let body = try session.body(upTo: 1 << 16)
    guard let json = try? JSONValue(parsing: body), let text = json["error"]?.stringValue else { return "" }
    return printable(text, atMost: 300)
  }

  // MARK: JSON

  /// The answer to a request of the hub's own interface.
  ///
  /// - Parameters:
  ///   - path: The path behind the address.
  ///   - accepts: Whether an answer that is an error is a result too.
  /// - Throws: `HubError`.
  func json(
    _ method: HTTPRequest.Method, _ path: String, headers: [(String, String)] = [],
    body: HTTPRequest.Body = .none, stalled: Int? = nil, accepts: (Int) -> Bool = { _ in false }
  ) throws -> (status: Int, value: JSONValue) {
    let url = path.hasPrefix("http") ? path : settings.endpoint + path
    return try repeating(url) {
      let response = try send(
        request(method, url, headers: headers, body: body, stalled: stalled ?? settings.downloadTimeout),
        leavesHub: false)
      if !accepts(response.status) { try check(response) }
      let bytes = try session.body(upTo: Self.longestAnswer)
      guard let value = bytes.isEmpty ? .null : try? JSONValue(parsing: bytes, file: url) else {
        if accepts(response.status) { return (response.status, .null) }
        throw HubError(
          .server,
          "\(settings.host) did not answer as the Hugging Face hub does; look at HF_ENDPOINT, and at proxies and logins of the "
            + "network")
      }
      return (response.status, value)
    }
  }
}
