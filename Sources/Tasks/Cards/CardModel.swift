public import Foundation
import ModelFormats

/// Model that a card names: one that another was made of, or that taught it.
///
/// A name of the Hugging Face hub is a link. Of a folder only the last part of its path is told.
public struct CardModel: Sendable, Equatable {
  /// The name for people: the id on the hub, or the last part of the path.
  public let name: String
  /// The id on the hub; nil where it has none.
  public let repository: String?
  /// `license`, and where that is `other` its name and link, as the model's own card says them.
  package let license: JSONObject
  /// The languages that its own card says.
  package let languages: [String]

  /// The model of a path or a name of the hub.
  ///
  /// - Parameters:
  ///   - path: A folder, the name of a model in the Hugging Face cache, or a file of answers.
  ///   - environment: The variables that say where the cache is.
  public init(
    _ path: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    let location = ModelLocation.present(path, environment: environment)
    repository = location.flatMap { $0.repository ?? Self.origin(of: $0.folder) }
    // The folder's own name is the one that the user knows it by.
    name = location?.repository ?? Self.lastPart(of: path)
    let head = location.flatMap { Self.head(in: $0.folder) } ?? JSONObject()
    license = Self.license(in: head)
    let language = head["language"]
    languages = language?.stringValue.map { [$0] } ?? language?.arrayValue?.compactMap(\.stringValue) ?? []
  }

  /// The last part of a path, without the folders of the machine.
  package static func lastPart(of path: String) -> String {
    let part = URL(filePath: path).absoluteURL.standardizedFileURL.lastPathComponent
    return part.isEmpty || part == "/" ? "model" : part
  }

  /// The name in Markdown, a link where the hub has the model.
  package var link: String {
    guard let repository else { return Markdown.code(name) }
    let link = "[\(Markdown.text(repository))](https://huggingface.co/\(repository))"
    return name == repository ? link : "\(Markdown.code(name)) (of \(link))"
  }

  /// The model of the hub that a folder was made of, as its `config.json` says.
  private static func origin(of folder: URL) -> String? {
    let config = try? JSONValue(contentsOf: folder.appending(path: "config.json"))
    guard let name = config?["_name_or_path"]?.stringValue else { return nil }
    // A relative path looks like a name of the hub; one that leads somewhere is a path.
    if FileManager.default.fileExists(atPath: name) { return nil }
    let isFirst = name.wholeMatch(
      of: /(?:distil)?(?:bert|roberta)-(?:base|large)[\w\-]*|xlm-roberta-(?:base|large)|camembert-base/)
    let isNamed = name.wholeMatch(of: /[A-Za-z0-9][\w.\-]*\/[A-Za-z0-9][\w.\-]*/)
    return isFirst == nil && isNamed == nil ? nil : name
  }

  /// The head of the model's own card.
  private static func head(in folder: URL) -> JSONObject? {
    let path = folder.appending(path: ModelCard.fileName).path
    guard let text = try? YAMLFile.text(path, expected: "a model card") else { return nil }
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else { return nil }
    let head = lines[1..<end].joined(separator: "\n")
    guard let node = try? YAMLFile.document(head, path: path) else { return nil }
    return JSONValue(node).objectValue
  }

  private static func license(in head: JSONObject) -> JSONObject {
    var license = JSONObject()
    guard let value = head["license"], value.stringValue != nil || value.arrayValue != nil else {
      return license
    }
    license["license"] = value
    guard value == "other" else { return license }
    license["license_name"] = head["license_name"]
    // A link to a file of the model's own folder leads nowhere here.
    if let link = head["license_link"]?.stringValue, link.hasPrefix("https://") {
      license["license_link"] = .string(link)
    }
    return license
  }
}
