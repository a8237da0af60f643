/// Name of a model on the hub: `org/name`, or `name` of the first models, with a revision behind `@`.
public struct HubName: Sendable, Hashable, CustomStringConvertible {
  /// The id, such as `google-bert/bert-base-uncased`.
  public let repository: String
  /// The branch, tag or commit; `main` unless the name says another.
  public let revision: String

  /// The parts of a name; nil of one that can be a path only.
  public init?(_ name: String) {
    let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    self.init(repository: parts[0], revision: parts.count > 1 ? parts[1] : "main")
  }

  /// The name of an id and a revision; nil where the hub would have neither.
  public init?(repository: String, revision: String) {
    guard Self.isRepository(repository), Self.isRevision(revision) else { return nil }
    (self.repository, self.revision) = (repository, revision)
  }

  /// The name as a user writes it.
  public var description: String { revision == "main" ? repository : "\(repository)@\(revision)" }

  /// The folder in the cache.
  var folder: String { "models--" + repository.replacing("/", with: "--") }

  /// The revision as one part of an address.
  var escapedRevision: String { Self.escaped(revision, keeping: "") }

  /// Whether the revision is a commit, which never changes.
  var isCommit: Bool { Self.isCommit(revision) }

  /// Whether a text is the full number of a commit.
  static func isCommit(_ text: String) -> Bool { text.wholeMatch(of: /[0-9a-f]{40}/) != nil }

  /// Whether the hub could have a repository of a name: letters, digits, `-`, `_` and `.`, with an organisation or without.
  private static func isRepository(_ text: String) -> Bool {
    text.wholeMatch(of: /[A-Za-z0-9_][\w.\-]*(?:\/[A-Za-z0-9_][\w.\-]*)?/.asciiOnlyWordCharacters()) != nil
      && text.utf8.count <= 96 && !text.contains("--") && !text.contains("..") && !text.hasSuffix(".git")
      && !text.hasSuffix("-") && !text.hasSuffix(".")
  }

  private static func isRevision(_ text: String) -> Bool {
    text.wholeMatch(of: /[\w.\/\-]+/.asciiOnlyWordCharacters()) != nil && isRelativePath(text)
  }

  /// Whether a path stays below the folder that it begins in.
  static func isRelativePath(_ path: String) -> Bool {
    !path.isEmpty
      && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains { $0 < 0x20 || $0 == 0x5C }
      }
  }

  /// A text as a part of an address: other characters than letters, digits and `-._~` as `%` and two digits.
  static func escaped(_ text: String, keeping kept: String) -> String {
    let kept = Set("-._~".utf8).union(kept.utf8)
    return text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        return String(UnicodeScalar(byte))
      default:
        if kept.contains(byte) { return String(UnicodeScalar(byte)) }
        let digits = String(byte, radix: 16, uppercase: true)
        return "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }.joined()
  }
}
