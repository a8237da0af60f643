public import Foundation
import ModelFormats

/// Settings of the Hugging Face hub, as the environment has them for `huggingface_hub`: place of the cache, address, token,
/// offline switches and timeouts.
public struct HubSettings: Sendable {
  /// The cache: `HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE`, else `HF_HOME/hub`, else `XDG_CACHE_HOME/huggingface/hub`, else
  /// `~/.cache/huggingface/hub`.
  public let cache: URL
  /// The address without a slash at its end: `HF_ENDPOINT`, else `https://huggingface.co`.
  public let endpoint: String
  /// The token: `HF_TOKEN`, else `HUGGING_FACE_HUB_TOKEN`, else the file `HF_TOKEN_PATH` or `HF_HOME/token`.
  public let token: String?
  /// The variable or file that the token is from.
  public let tokenSource: String?
  /// Whether the token goes with requests that only read; `HF_HUB_DISABLE_IMPLICIT_TOKEN` says no.
  public let sendsToken: Bool
  /// The variable that forbids the network: `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`; nil where none does.
  public let offlineSwitch: String?
  /// Seconds that a question for a file's size and checksum may take: `HF_HUB_ETAG_TIMEOUT`.
  public let etagTimeout: Int
  /// Seconds without a byte after which a download has failed: `HF_HUB_DOWNLOAD_TIMEOUT`.
  public let downloadTimeout: Int
  /// Whether snapshots link to the blobs; `HF_HUB_DISABLE_SYMLINKS` says no.
  public let usesLinks: Bool
  /// A file of trusted certificates: `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` or `CURL_CA_BUNDLE`; nil takes the system's.
  public let certificates: String?
  /// Seconds before the first repetition of a request; each further one waits twice as long.
  package var pause = 1.0

  /// The settings of an environment.
  ///
  /// - Throws: `HubError` for an address, token or number that is none.
  public init(environment: [String: String] = ProcessInfo.processInfo.environment) throws(HubError) {
    let variables = Variables(environment)
    cache = Self.cache(environment)
    endpoint = try Self.endpoint(variables["HF_ENDPOINT"])
    (token, tokenSource) = try Self.token(variables, home: Self.home(variables))
    sendsToken = !variables.isOn("HF_HUB_DISABLE_IMPLICIT_TOKEN")
    let name = variables["HF_HUB_OFFLINE"] == nil ? "TRANSFORMERS_OFFLINE" : "HF_HUB_OFFLINE"
    offlineSwitch = variables.isOn(name) ? name : nil
    etagTimeout = try variables.seconds("HF_HUB_ETAG_TIMEOUT")
    downloadTimeout = try variables.seconds("HF_HUB_DOWNLOAD_TIMEOUT")
    usesLinks = !variables.isOn("HF_HUB_DISABLE_SYMLINKS")
    certificates =
      variables["SSL_CERT_FILE"] ?? variables["REQUESTS_CA_BUNDLE"] ?? variables["CURL_CA_BUNDLE"]
  }

  /// Whether the system has what downloads and uploads need, which is libcurl.
  public static var canDownload: Bool { (try? HTTPSession(certificates: nil)) != nil }

  /// The cache of an environment.
  public static func cache(_ environment: [String: String]) -> URL {
    let variables = Variables(environment)
    return variables.folder("HF_HUB_CACHE") ?? variables.folder("HUGGINGFACE_HUB_CACHE")
      ?? home(variables).appending(path: "hub", directoryHint: .isDirectory)
  }

  /// The folder of Hugging Face's programs.
  private static func home(_ variables: Variables) -> URL {
    if let home = variables.folder("HF_HOME") { return home }
    let root =
      variables.folder("XDG_CACHE_HOME") ?? variables.folder("HOME").map { $0.appending(path: ".cache") }
      ?? URL.homeDirectory.appending(path: ".cache")
    return root.appending(path: "huggingface")
  }

  private static func endpoint(_ text: String?) throws(HubError) -> String {
    guard var endpoint = text?.trimmingCharacters(in: .whitespaces), !endpoint.isEmpty else {
      return "https://huggingface.co"
    }
    while endpoint.hasSuffix("/") { endpoint.removeLast() }
    guard let url = URL(string: endpoint), ["http", "https"].contains(url.scheme?.lowercased()),
      url.host()?.isEmpty == false
    else {
      throw HubError(
        .settings,
        "HF_ENDPOINT is \"\(endpoint)\"; expected an address such as https://huggingface.co, or unset it")
    }
    return endpoint
  }

  private static func token(
    _ variables: Variables, home: URL
  ) throws(HubError) -> (token: String?, source: String?) {
    var found: (text: String, source: String)?
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] where found == nil {
      if let text = variables[name] { found = (text, name) }
    }
    if found == nil {
      let path = variables.path("HF_TOKEN_PATH") ?? home.appending(path: "token").path
      if FileManager.default.fileExists(atPath: path) {
        do throws(FormatError) {
          found = (String(decoding: try FileContents.read(path), as: UTF8.self), path)
        } catch {
          throw HubError(.settings, "the token of Hugging Face: \(error)")
        }
      }
    }
    guard let found else { return (nil, nil) }
    let token = found.text.trimmingCharacters(in: .whitespacesAndNewlines)
    if token.isEmpty { return (nil, nil) }
    // It becomes a line of a request.
    guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw HubError(
        .settings,
        "the token in \(found.source) holds characters that no token has; copy it anew from \(HubError.tokenPage)"
      )
    }
    return (token, found.source)
  }
}

/// Variables of an environment; an empty one counts as none.
private struct Variables {
  private let values: [String: String]

  init(_ values: [String: String]) { self.values = values }

  subscript(name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

  /// Whether a switch is on, as `huggingface_hub` reads it.
  func isOn(_ name: String) -> Bool {
    ["1", "ON", "YES", "TRUE"].contains((self[name] ?? "").uppercased())
  }

  /// A path, with `~` and variables in it replaced.
  func path(_ name: String) -> String? {
    self[name].map { path in
      let expanded = path.replacing(/\$(?:\{(\w+)\}|(\w+))/) { match in
        (match.1 ?? match.2).flatMap { values[String($0)] } ?? String(match.0)
      }
      return (expanded as NSString).expandingTildeInPath
    }
  }

  func folder(_ name: String) -> URL? { path(name).map { URL(filePath: $0, directoryHint: .isDirectory) } }

  /// A number of seconds; 10 where it is not set or 0.
  func seconds(_ name: String) throws(HubError) -> Int {
    guard let text = self[name] else { return 10 }
    guard let seconds = Int(text), (0...86_400).contains(seconds) else {
      throw HubError(
        .settings, "\(name) is \"\(text)\"; expected a whole number of seconds, or unset it")
    }
    return seconds == 0 ? 10 : seconds
  }
}
