import Foundation
import PotstillCommands
import TestSupport
import Testing

/// Defects of TextBrewer that concern what is published; the others are in the tests of `Distillation` and `Training`.
@Suite struct TextBrewerDefectTests {
  /// B16: two packages, one released and one not, have one version.
  ///
  /// While the changelog has changes that are not released, no release in it may have the version of the source tree.
  @Test func b16UnreleasedChangesHaveAVersionOfTheirOwn() throws {
    let root = Fixtures.directory.deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appending(path: "CHANGELOG.md"), encoding: .utf8)
    var releases: [String] = []
    var hasUnreleasedChanges = false
    for section in text.components(separatedBy: "\n## ").dropFirst() {
      let lines = section.components(separatedBy: "\n")
      // "Unreleased", or "[0.1.0] - 2026-01-31".
      let name = lines[0].components(separatedBy: " ")[0].trimmingCharacters(in: ["[", "]"])
      if name == "Unreleased" {
        hasUnreleasedChanges = lines.contains { $0.hasPrefix("- ") }
      } else {
        releases.append(name)
      }
    }
    #expect(hasUnreleasedChanges || !releases.isEmpty, "the changelog has no entries")
    if hasUnreleasedChanges {
      #expect(!releases.contains(PotstillVersion.current))
    } else {
      #expect(releases.first == PotstillVersion.current)
    }
  }
}
