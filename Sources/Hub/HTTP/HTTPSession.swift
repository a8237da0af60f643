import CCurl
import Foundation

/// Request of HTTP.
struct HTTPRequest {
  /// Method of a request.
  enum Method: String {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
  }

  /// Body of a request.
  enum Body {
    /// No body.
    case none
    /// Bytes in memory, of a POST.
    case bytes([UInt8])
    /// A range of an open file, of a PUT.
    case file(descriptor: Int32, range: Range<Int>)
  }

  let method: Method
  var url: String
  var headers: [(name: String, value: String)] = []
  var body = Body.none
  /// Seconds that connecting may take.
  var connecting: Int
  /// Seconds without a byte after which the request has failed.
  var stalled: Int
}

/// Answer to a request: its status and headers.
struct HTTPResponse {
  /// The address that was asked.
  let url: String
  /// The status, such as 200.
  let status: Int
  /// The value of each header, by its name in small letters; of those that come twice the last.
  let headers: [String: String]

  /// The value of a header; nil where it has none.
  func header(_ name: String) -> String? {
    headers[name.lowercased()].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The address that it leads to; nil of any other answer than a redirect.
  var redirect: String? {
    guard [301, 302, 303, 307, 308].contains(status), let location = header("Location") else { return nil }
    return URL(string: location, relativeTo: URL(string: url))?.absoluteString
  }

  /// Reads the lines of an answer's headers.
  init(url: String, status: Int, lines: String) {
    self.url = url
    self.status = status
    var headers: [String: String] = [:]
    for line in lines.split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
        in: .whitespaces)
    }
    self.headers = headers
  }
}

/// Failure of a request that got no whole answer.
struct HTTPFailure: Error {
  /// Cause of a failure.
  enum Cause: Equatable {
    /// The system has no libcurl.
    case noLibrary
    /// Nobody answers under that address: the name is not known, or nobody takes the connection.
    case unreachable
    /// Nothing came for too long.
    case timedOut
    /// The connection broke off.
    case brokenOff
    /// The certificate of the other side is not trusted.
    case certificate
    /// The proxy cannot be reached.
    case proxy
    /// Anything else.
    case other
  }

  let cause: Cause
  /// The words of libcurl.
  let text: String

  /// Whether a second try may succeed.
  var isPassing: Bool {
    switch cause {
    case .unreachable, .timedOut, .brokenOff: true
    case .noLibrary, .certificate, .proxy, .other: false
    }
  }

  /// The failure behind a number of libcurl.
  static func cause(ofCode code: Int) -> Cause {
    switch code {
    case 5, 97: .proxy
    case 6, 7: .unreachable
    case 28: .timedOut
    case 16, 18, 52, 55, 56, 92: .brokenOff
    case 35, 58, 60, 77, 83, 91: .certificate
    default: .other
    }
  }
}

/// Session of requests, one at a time, by the system's libcurl; connections are kept.
///
/// It follows no redirect, so that whoever asks decides which headers go to another host.
final class HTTPSession {
  private let session: OpaquePointer
  private let certificates: String?

  /// A session.
  ///
  /// - Parameter certificates: A file of trusted certificates; nil takes the system's.
  /// - Throws: `HTTPFailure` where the system has no libcurl.
  init(certificates: String?) throws(HTTPFailure) {
    guard let session = ccurl_open() else { throw HTTPFailure(cause: .noLibrary, text: "") }
    self.session = session
    self.certificates = certificates
  }

  deinit { ccurl_close(session) }

  /// Sends a request and waits for the headers of its answer.
  ///
  /// - Parameter sent: Hears how many bytes of a file have gone out.
  /// - Throws: `HTTPFailure`, and what `sent` throws.
  func send(_ request: HTTPRequest, sent: (Int) -> Void = { _ in }) throws(HTTPFailure) -> HTTPResponse {
    ccurl_begin(session, request.method.rawValue, request.url)
    // Without it libcurl waits for a word of the server before it sends a large body.
    ccurl_add_header(session, "Expect:")
    for (name, value) in request.headers { ccurl_add_header(session, "\(name): \(value)") }
    switch request.body {
    case .none: break
    case .bytes(let bytes): ccurl_set_body(session, bytes, Int64(bytes.count))
    case .file(let descriptor, let range):
      ccurl_set_file(session, descriptor, Int64(range.lowerBound), Int64(range.count))
    }
    ccurl_set_timeouts(session, request.connecting, request.stalled)
    if let certificates { ccurl_set_certificates(session, certificates) }
    while true {
      let state = ccurl_wait(session)
      sent(Int(ccurl_sent(session)))
      if state < 0 { throw failure }
      if state > 0 { break }
    }
    let status = Int(ccurl_status(session))
    guard status >= 200 else {
      throw HTTPFailure(cause: .other, text: "the answer is none of HTTP")
    }
    return HTTPResponse(url: request.url, status: status, lines: String(cString: ccurl_headers(session)))
  }

  /// The next bytes of the answer's body; empty at its end.
  ///
  /// - Throws: `HTTPFailure`.
  func read(upTo count: Int = 1 << 18) throws(HTTPFailure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let found = ccurl_read(session, &bytes, Int64(count))
    if found < 0 { throw failure }
    bytes.removeLast(count - Int(found))
    return bytes
  }

  /// The rest of the answer's body, cut off at a number of bytes.
  ///
  /// - Throws: `HTTPFailure`.
  func body(upTo limit: Int) throws(HTTPFailure) -> [UInt8] {
    var body: [UInt8] = []
    while body.count < limit {
      let piece = try read()
      if piece.isEmpty { break }
      body += piece
    }
    return body
  }

  private var failure: HTTPFailure {
    HTTPFailure(
      cause: HTTPFailure.cause(ofCode: Int(ccurl_error_code(session))),
      text: String(cString: ccurl_error_text(session)))
  }
}
