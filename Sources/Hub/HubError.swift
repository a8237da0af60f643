/// Error of the Hugging Face hub or of its cache: what was found, what was expected, what to do.
public struct HubError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Kind of an error.
  public enum Kind: Sendable, Equatable {
    /// The network is switched off.
    case offline
    /// The hub cannot be reached.
    case unreachable
    /// There is no such repository, revision or file, or it is private.
    case notFound
    /// The repository wants its conditions accepted.
    case gated
    /// The token is missing, wrong, or may not do this.
    case token
    /// The hub answered with something else than was asked for, or an error of its own.
    case server
    /// Bytes came that have another size or checksum than the hub said.
    case damaged
    /// A file cannot be written.
    case disk
    /// A setting is wrong.
    case settings
  }

  /// The kind.
  public let kind: Kind
  /// The message for a person.
  public let description: String

  /// An error with its message.
  init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }

  /// The page on which tokens are made.
  static let tokenPage = "https://huggingface.co/settings/tokens"
}

extension HubError {
  /// The error of a request that got no whole answer.
  init(_ failure: HTTPFailure, url: String, settings: HubSettings) {
    let host = settings.shownHost(of: url)
    let words = failure.text.isEmpty ? "" : " (\(failure.text))"
    switch failure.cause {
    case .noLibrary:
      self.init(
        .settings,
        "downloads and uploads need libcurl (libcurl.so.4), which this system has not; 'apt-get install libcurl4'"
      )
    case .unreachable:
      self.init(
        .unreachable,
        "\(host) cannot be reached\(words); look at the network, at https_proxy where there is a proxy, and at "
          + "HF_ENDPOINT where there is a mirror")
    case .timedOut:
      self.init(
        .unreachable,
        "\(host) did not answer in time\(words); try again, or wait longer with HF_HUB_ETAG_TIMEOUT and "
          + "HF_HUB_DOWNLOAD_TIMEOUT (seconds)")
    case .brokenOff:
      self.init(
        .unreachable,
        "the connection to \(host) broke off\(words); try again: a download goes on where it stopped")
    case .certificate:
      self.init(
        .unreachable,
        "no safe connection to \(host)\(words); 'apt-get install ca-certificates', or name your proxy's certificates "
          + "with SSL_CERT_FILE")
    case .proxy:
      self.init(
        .unreachable, "the proxy cannot be reached\(words); look at http_proxy, https_proxy and all_proxy")
    case .other:
      self.init(
        .server, "the request to \(host) failed\(words); look at HF_ENDPOINT, or try again")
    }
  }

  /// The error of an answer that is none of success.
  ///
  /// - Parameters:
  ///   - name: The model that was asked for.
  ///   - file: The file that was asked for; nil of the repository.
  ///   - words: What the server says of it.
  init(_ response: HTTPResponse, name: HubName, file: String?, words: String, settings: HubSettings) {
    let page = "\(settings.endpoint)/\(name.repository)"
    let code = response.header("X-Error-Code")
    let said = words.isEmpty ? "" : " (\(words))"
    switch (code, response.status) {
    case ("GatedRepo", _):
      self = Self.gated(page, name: name, settings: settings)
    case ("RevisionNotFound", _):
      self.init(
        .notFound,
        "\(name.repository) has no branch, tag or commit \"\(name.revision)\" on \(settings.host); \(page)/tree/main "
          + "lists them")
    case ("EntryNotFound", _):
      self.init(
        .notFound,
        "\(name.repository) has no file \(file ?? "of that name") at \(name.revision); \(page)/tree/main lists them"
      )
    case (_, 401) where words.contains("Invalid credentials"):
      self.init(
        .token,
        "\(settings.host) does not know the token in \(settings.tokenSource ?? "the request"); make one on "
          + "\(Self.tokenPage) and set HF_TOKEN, or unset it: public models need none")
    case ("RepoNotFound", _), (_, 401), (_, 404):
      let remedy =
        settings.token == nil
        ? "look at the spelling; a private model needs HF_TOKEN (\(Self.tokenPage))"
        : "look at the spelling; a private model needs a token of somebody who may read it, and the one in "
          + "\(settings.tokenSource ?? "use") may not"
      self.init(.notFound, "there is no model \(name.repository) on \(settings.host); \(remedy)")
    case (_, 403):
      self.init(
        .token,
        "\(settings.host) refuses this for \(name.repository)\(said); take a token that may do it "
          + "(\(Self.tokenPage)), and set HF_TOKEN")
    case (_, 429):
      let wait = response.header("Retry-After").flatMap { Int($0) }.map { " (in \($0) s)" } ?? ""
      self.init(
        .server,
        "\(settings.host) takes no more requests from here for now\(said); try again later\(wait)"
          + (settings.token == nil ? ", or set HF_TOKEN, with which it takes more" : ""))
    case (_, 500...):
      self.init(
        .server, "\(settings.host) has an error of its own: status \(response.status)\(said); try again later"
      )
    case (_, _):
      self.init(
        .server,
        "\(settings.host) answered with status \(response.status)\(said) for \(name.repository); expected an answer of "
          + "the Hugging Face hub. Look at HF_ENDPOINT and at proxies")
    }
  }

  private static func gated(_ page: String, name: HubName, settings: HubSettings) -> HubError {
    guard settings.token != nil else {
      return HubError(
        .gated,
        "\(name.repository) is gated: accept its conditions at \(page), make a token on \(tokenPage) and set HF_TOKEN"
      )
    }
    return HubError(
      .gated,
      "\(name.repository) is gated, and the account of the token in \(settings.tokenSource ?? "use") has no access: "
        + "accept its conditions at \(page) (some are granted by hand), and let a fine-grained token read gated "
        + "repositories")
  }
}

extension HubSettings {
  /// The host of the address.
  var host: String { Self.hostAndPort(endpoint) ?? endpoint }

  /// The host of another address, for a message.
  func shownHost(of url: String) -> String { Self.hostAndPort(url) ?? host }

  private static func hostAndPort(_ text: String) -> String? {
    guard let (_, host, port) = HubOrigin(text)?.parts else { return nil }
    return [80, 443].contains(port) ? host : "\(host):\(port)"
  }
}
