import Foundation
import PotstillCommands
import PotstillDemo
import TestSupport
import Testing
import Tokenization

/// The vocabulary that the project keeps.
@Suite struct DemoVocabularyTests {
  /// `vocab/sample.txt` is what the trainer learns from the demo's reviews, on every machine.
  @Test func theKeptVocabularyIsTheOneThatIsLearnt() throws {
    let kept = Fixtures.directory.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "vocab/sample.txt")
    #expect(try Vocabulary(contentsOf: kept) == DemoRun(seed: 42).tokenizer.vocabulary)
  }
}
