import Foundation
import Synchronization

/// Request that a server of a test has got.
public struct ServedRequest: Sendable {
  /// The method.
  public let method: String
  /// The path without the query, `%` and digits replaced but for those of slashes.
  public let path: String
  /// The part behind `?`.
  public let query: String
  /// The headers, by their names in small letters.
  public let headers: [String: String]
  /// The body.
  public let body: [UInt8]

  /// A header; nil where it is not there.
  public func header(_ name: String) -> String? { headers[name.lowercased()] }
}

/// Answer of a server of a test.
public struct ServedReply: Sendable {
  /// The status.
  public var status: Int
  /// The headers; `Content-Length` is added.
  public var headers: [String: String]
  /// The body.
  public var body: [UInt8]
  /// The number of bytes of the body after which the connection breaks off; nil sends all of them.
  public var breaksOffAfter: Int?

  /// An answer.
  public init(_ status: Int = 200, _ headers: [String: String] = [:], _ body: [UInt8] = []) {
    (self.status, self.headers, self.body) = (status, headers, body)
  }
}

/// Server of HTTP on this machine for tests: a thread a connection, answers by a closure.
public final class HTTPServer: Sendable {
  /// The port of 127.0.0.1.
  public let port: Int
  private let socket: Int32
  private let answer: @Sendable (ServedRequest) -> ServedReply

  /// Serves until it is thrown away.
  public init(_ answer: @escaping @Sendable (ServedRequest) -> ServedReply) throws {
    self.answer = answer
    #if os(Linux)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    let listening = Foundation.socket(AF_INET, kind, 0)
    socket = listening
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listening, $0, size) == 0 && listen(listening, 16) == 0 && getsockname(listening, $0, &size) == 0
      }
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    guard isListening else { throw POSIXError(.EADDRINUSE) }
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(listening, nil, nil)
        if connection < 0 {
          if errno == EINTR || errno == ECONNABORTED { continue }
          return
        }
        guard let answer = self?.answer else {
          close(connection)
          return
        }
        Thread.detachNewThread { Connection(connection).serve(answer) }
      }
    }
  }

  deinit {
    shutdown(socket, Int32(SHUT_RDWR))
    close(socket)
  }
}

/// Connection of a client.
private final class Connection {
  private let socket: Int32
  private var pending: [UInt8] = []

  init(_ socket: Int32) { self.socket = socket }

  deinit { close(socket) }

  /// Answers one request after the other.
  func serve(_ answer: (ServedRequest) -> ServedReply) {
    while let request = request() {
      let reply = answer(request)
      var head = "HTTP/1.1 \(reply.status) Status\r\n"
      for (name, value) in reply.headers { head += "\(name): \(value)\r\n" }
      if reply.headers["Content-Length"] == nil { head += "Content-Length: \(reply.body.count)\r\n" }
      let body = request.method == "HEAD" ? [] : reply.body.prefix(reply.breaksOffAfter ?? .max)
      guard send(Array((head + "\r\n").utf8) + body), reply.breaksOffAfter == nil else { return }
    }
  }

  private func request() -> ServedRequest? {
    let end = Array("\r\n\r\n".utf8)
    while pending.firstRange(of: end) == nil { guard receive() else { return nil } }
    guard let range = pending.firstRange(of: end) else { return nil }
    let lines = String(decoding: pending[..<range.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    pending.removeSubrange(..<range.upperBound)
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
        in: .whitespaces)
    }
    let count = headers["content-length"].flatMap { Int($0) } ?? 0
    while pending.count < count { guard receive() else { return nil } }
    let body = Array(pending[..<count])
    pending.removeSubrange(..<count)
    let words = lines[0].split(separator: " ")
    guard words.count == 3 else { return nil }
    let parts = words[1].split(separator: "?", maxSplits: 1)
    let path = parts[0].replacing("%2F", with: "%252F")
    return ServedRequest(
      method: String(words[0]), path: path.removingPercentEncoding ?? String(path),
      query: parts.count > 1 ? String(parts[1]) : "", headers: headers, body: body)
  }

  private func receive() -> Bool {
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(socket, &bytes, bytes.count, 0)
    if count > 0 { pending += bytes[..<count] }
    return count > 0
  }

  private func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    #if os(Linux)
      let flags = Int32(MSG_NOSIGNAL)
    #else
      let flags: Int32 = 0
    #endif
    while sent < bytes.count {
      let count = Foundation.send(socket, Array(bytes[sent...]), bytes.count - sent, flags)
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }
}
