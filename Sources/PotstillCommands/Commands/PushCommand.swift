import ArgumentParser
import CommandOptions
import Foundation
import Hub
import ModelFormats
import Tasks
import Terminal

/// Command `potstill push`.
package struct PushCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "push",
    abstract: "Upload a model to the Hugging Face hub.",
    usage: "potstill push [<options>] <folder> <repository>",
    discussion: """
      Makes the repository if need be, and one commit in it with the files of the model: configuration, weights, tokenizer \
      and README.md, the model card. What else the folder holds, such as the recipe and the results of a run, goes along \
      only where --include names it. Files that the repository has already are not sent again.

        potstill push student/ your-name/tiny-sst2 --private
        potstill push student/ your-name/tiny-sst2 --include "*.yaml" --create-pr

      It needs a token that may write, from https://huggingface.co/settings/tokens: in HF_TOKEN, or as 'hf auth login' keeps \
      it. HF_ENDPOINT names another hub.
      """)

  @Flag(name: .customLong("private"), help: "Make the repository private; one that is public is left alone.")
  package var isPrivate = false

  @Option(help: ArgumentHelp("The branch, which is made if need be.", valueName: "branch"))
  package var revision = "main"

  @Option(help: ArgumentHelp("First line of the commit's message.", valueName: "text"))
  package var commitMessage = "Upload a model with potstill"

  @Flag(help: "Make the commit a pull request.")
  package var createPr = false

  @Option(
    help: ArgumentHelp(
      "More files of the folder, by name, with * and ?; may be given several times.", valueName: "pattern"))
  package var include: [String] = []

  @Flag(help: "Print one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  @Argument(help: "The folder of a model.", completion: .directory)
  package var folder: String

  @Argument(help: "The repository: owner/name.")
  package var repository: String

  package init() {}

  package func validate() throws {
    // What is empty is refused with the name of its option.
    if !repository.isEmpty, !revision.isEmpty { _ = try name() }
  }

  /// The repository and the branch.
  private func name() throws -> HubName {
    guard repository.contains("/"), HubName(repository: repository, revision: "main") != nil else {
      throw ValidationError(
        "found the repository \"\(repository)\"; expected owner/name, of letters, digits, -, _ and .")
    }
    guard let name = HubName(repository: repository, revision: revision) else {
      throw ValidationError("--revision is \"\(revision)\"; expected the name of a branch.")
    }
    return name
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let files = try PushedModel(folder, include: include).files
    let settings = try HubSettings(environment: console.environment)
    var upload = try HubUpload(to: try name(), settings: settings)
    (upload.isPrivate, upload.message, upload.createsPullRequest) = (isPrivate, commitMessage, createPr)
    console.note("uploading \(files.count) files of \(folder) to \(settings.endpoint)/\(repository)")
    defer { console.progressEnded() }
    let commit = try upload.run(files) { console.progress($0, done: $1, total: $2) }
    console.progressEnded()
    if json {
      console.result(JSONValue.object(Self.object(commit, files: files.map(\.path))).prettyText)
    } else if let commit {
      console.result(commit.pullRequest ?? commit.url)
    } else {
      console.result("\(settings.endpoint)/\(repository) holds these files already")
    }
  }

  private static func object(_ commit: HubUpload.Commit?, files: [String]) -> JSONObject {
    var object = JSONObject()
    object["commit_url"] = commit.map { .string($0.url) } ?? .null
    object["commit_oid"] = commit.map { .string($0.commit) } ?? .null
    object["pr_url"] = commit?.pullRequest.map { .string($0) } ?? .null
    object["files"] = .array(files.map { .string($0) })
    return object
  }
}
