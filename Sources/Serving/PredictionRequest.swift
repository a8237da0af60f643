import ModelFormats
import Tasks

/// Request of answers: `{"text"}`, `{"text", "text_pair"}`, `{"question", "context"}` or `{"texts": […]}`.
package struct PredictionRequest: Equatable {
  /// Text, or pair of texts, to answer.
  package struct Entry: Equatable {
    package var text: String
    package var pair: String?

    /// The item as predictors take it.
    package var item: PredictionItem { PredictionItem(text: text, pair: pair, place: "the request") }
  }

  /// The texts.
  package let entries: [Entry]
  /// Whether the answers come as a list.
  package let isList: Bool

  /// Reads the body of a request.
  ///
  /// - Parameters:
  ///   - needsPair: Whether the model answers questions about a passage.
  ///   - limit: Most texts of one request.
  /// - Throws: `ServerFault` with status 400 for a body that is no object, 422 for one that cannot be answered.
  package init(_ body: [UInt8], needsPair: Bool, limit: Int) throws(ServerFault) {
    let object = try Self.object(body)
    if let list = object["texts"] {
      for (key, _) in object where key != "texts" {
        throw .unanswerable("found \"\(key)\" beside \"texts\"; expected it alone")
      }
      guard let values = list.arrayValue, !values.isEmpty else {
        throw .unanswerable("\"texts\" is \(Self.kind(of: list)); expected a list of at least one text")
      }
      guard values.count <= limit else {
        throw .unanswerable("\"texts\" has \(values.count) texts; expected at most \(limit) a request")
      }
      var entries: [Entry] = []
      for (index, value) in values.enumerated() {
        entries.append(try Self.entry(value, at: "texts[\(index)]", needsPair: needsPair))
      }
      (self.entries, isList) = (entries, true)
    } else {
      (entries, isList) = ([try Self.entry(.object(object), at: nil, needsPair: needsPair)], false)
    }
  }

  /// Object of a body.
  static func object(_ body: [UInt8]) throws(ServerFault) -> JSONObject {
    let value: JSONValue
    do { value = try JSONValue(parsing: body, file: "the body") } catch {
      throw .malformed("\(error); expected an object such as {\"text\": \"a fine film\"}")
    }
    guard let object = value.objectValue else {
      throw .malformed(
        "the body is \(kind(of: value)); expected an object such as {\"text\": \"a fine film\"}")
    }
    return object
  }

  private static func entry(
    _ value: JSONValue, at place: String?, needsPair: Bool
  ) throws(ServerFault) -> Entry {
    let prefix = place.map { "\($0): " } ?? ""
    if let text = value.stringValue {
      if needsPair { throw .unanswerable(prefix + questionForm) }
      return Entry(text: text)
    }
    guard let object = value.objectValue else {
      throw .unanswerable("\(prefix)found \(kind(of: value)); expected a text or an object")
    }
    for (key, _) in object where !keys.contains(key) {
      throw .unanswerable(
        "\(prefix)unknown key \"\(key)\"; expected text, text_pair, question, context or texts")
    }
    func text(_ key: String) throws(ServerFault) -> String? {
      guard let value = object[key] else { return nil }
      guard let text = value.stringValue else {
        throw .unanswerable("\(prefix)\"\(key)\" is \(kind(of: value)); expected a text")
      }
      return text
    }
    let (question, context) = (try text("question"), try text("context"))
    let (first, pair) = (try text("text"), try text("text_pair"))
    if question != nil || context != nil {
      guard let question, let context, first == nil, pair == nil else {
        throw .unanswerable(prefix + questionForm)
      }
      return Entry(text: question, pair: context)
    }
    guard let first else { throw .unanswerable("\(prefix)\"text\" is missing; expected {\"text\": …}") }
    if needsPair, pair == nil { throw .unanswerable(prefix + questionForm) }
    return Entry(text: first, pair: pair)
  }

  private static let keys: Set = ["text", "text_pair", "question", "context"]
  private static let questionForm = "expected {\"question\": …, \"context\": …} and nothing else"

  /// Kind of a value in words.
  private static func kind(of value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool: "a truth value"
    case .integer, .largeInteger, .double: "a number"
    case .string: "a text"
    case .array(let values): values.isEmpty ? "an empty list" : "a list"
    case .object: "an object"
    }
  }
}

/// Fault of a request, with the HTTP status that tells whose it is.
package struct ServerFault: Error, Equatable {
  /// HTTP status.
  package let status: Int
  /// Name of the fault for programs.
  package let code: String
  /// The message for people.
  package let message: String
  /// Seconds after which to try again; nil where that would not help.
  package var retryAfter: Int?

  private init(_ status: Int, _ code: String, _ message: String, retryAfter: Int? = nil) {
    (self.status, self.code, self.message, self.retryAfter) = (status, code, message, retryAfter)
  }

  /// Body that is no JSON object.
  package static func malformed(_ message: String) -> ServerFault { ServerFault(400, "bad_request", message) }
  /// Missing or wrong token.
  package static let unauthorized = ServerFault(
    401, "unauthorized", "expected the header 'Authorization: Bearer …' with the server's token")
  /// Path that is none of the server's.
  package static func notFound(_ path: String) -> ServerFault {
    ServerFault(404, "not_found", "there is no \(path); see GET /openapi.json")
  }
  /// Method that a path does not have.
  package static func method(_ method: String, allowed: String) -> ServerFault {
    ServerFault(405, "method_not_allowed", "found \(method), expected \(allowed)")
  }
  /// Request that did not come within the time limit.
  package static let slow = ServerFault(408, "request_timeout", "the request did not come in time")
  /// Body beyond the limit.
  package static func tooLarge(_ limit: Int) -> ServerFault {
    ServerFault(413, "content_too_large", "the body has more than \(limit) bytes; send fewer texts at a time")
  }
  /// Object that this model cannot answer.
  package static func unanswerable(_ message: String) -> ServerFault {
    ServerFault(422, "unprocessable_content", message)
  }
  /// Queue that has no room.
  package static let busy = ServerFault(
    429, "too_many_requests", "too many texts are waiting; try again in a moment", retryAfter: 1)
  /// Failure of the server itself.
  package static let failed = ServerFault(500, "internal_error", "the request could not be answered")
  /// Answer that did not come within the time limit.
  package static let late = ServerFault(
    503, "timeout", "the answer did not come in time; send fewer texts", retryAfter: 1)
  /// Server that stops.
  package static let stopping = ServerFault(503, "stopping", "the server is stopping", retryAfter: 5)

  /// The fault as a JSON object.
  package var json: JSONValue { ["error": ["code": .string(code), "message": .string(message)]] }
}
