import Foundation
import Kernels
import ModelFormats
import TestSupport
import Testing

/// Lists of pairs that are read in columns.
@Suite struct JSONColumnsTests {
  /// The document and the columns of a text whose list lies under "model", "vocab".
  private func read(_ text: String) throws -> (document: JSONValue, columns: JSONColumns?) {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "document.json")
    try Data(text.utf8).write(to: file)
    return try JSONValue.reading(file, columnsAt: ["model", "vocab"])
  }

  @Test func pairsComeInColumns() throws {
    let (document, columns) = try read(
      #"{"vocab": [["x", 1]], "model": {"type": "Unigram", "vocab": [ ["a\n", -1.5] ,["▁", 2],["", 1e3]]}}"#)
    #expect(columns?.strings == ["a\n", "▁", ""])
    #expect(columns?.numbers == [-1.5, 2, 1000])
    #expect(document["model"]?["vocab"]?.isNull == true)
    #expect(document["model"]?["type"]?.stringValue == "Unigram")
    // A list of the same name elsewhere is one like any other.
    #expect(document["vocab"] == [["x", 1]])
    #expect(columns?.json == [["a\n", -1.5], ["▁", 2.0], ["", 1000.0]])
  }

  @Test(arguments: [
    #"{"model": {"vocab": []}}"#, #"{"model": {"vocab": [["a", 1], ["b"]]}}"#,
    #"{"model": {"vocab": [["a", 1], ["b", "c"]]}}"#, #"{"model": {"vocab": [["a", [1]]]}}"#,
    #"{"model": {"vocab": [["a", 1, 2]]}}"#, #"{"model": {"vocab": {"a": 1}}}"#,
    #"{"model": {"vocab": ["a"]}}"#, #"{"model": [{"vocab": [["a", 1]]}]}"#,
    #"{"a": {"model": {"vocab": [["a", 1]]}}}"#,
  ])
  func anythingElseStaysInTheDocument(_ text: String) throws {
    let (document, columns) = try read(text)
    #expect(columns == nil)
    #expect(document == (try JSONValue(parsing: text)))
  }

  @Test(arguments: [
    #"{"model": {"vocab": [["a", 1]"#, #"{"model": {"vocab": [["a", 01]]}}"#,
    #"{"model": {"vocab": [["a", 1],]}}"#, #"{"model": {"vocab": [["\ud800", 1]]}}"#,
  ])
  func faultsAreThoseOfTheWholeParser(_ text: String) throws {
    func reason(_ body: () throws -> Void) -> String? {
      do { try body() } catch FormatError.json(_, let line, let column, let reason) {
        return "\(line):\(column) \(reason)"
      } catch {}
      return nil
    }
    let expected = try #require(reason { _ = try JSONValue(parsing: text) })
    #expect(reason { _ = try read(text) } == expected)
  }
}
