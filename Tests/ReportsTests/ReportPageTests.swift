import Foundation
import ModelFormats
import Reports
import Testing

/// The file that a report is, and the words in it.
@Suite struct ReportPageTests {
  @Test("nothing in the data ends the element that holds it")
  func escaping() throws {
    let hostile = "</script><script>alert(1)</script><!-- \u{2028}\u{2029} & \" ' \\ @@data@@ \u{0}"
    let page = ReportPage(title: hostile, data: ["text": .string(hostile)])
    let text = String(decoding: page.bytes, as: UTF8.self)
    let parts = text.components(separatedBy: "<script type=\"application/json\" id=\"data\">")
    try #require(parts.count == 2)
    let block = try #require(parts[1].components(separatedBy: "</script>").first)
    for mark in ["<", ">", "&", "\u{2028}", "\u{2029}"] { #expect(!block.contains(mark), "\(mark)") }
    #expect(try JSONValue(parsing: block)["text"]?.stringValue == hostile)
    let title = try #require(text.firstMatch(of: /<title>(.*?)<\/title>/.dotMatchesNewlines())?.1)
    #expect(title.hasPrefix("&lt;/script&gt;&lt;script&gt;") && title.contains("&quot;"))
    #expect(text.components(separatedBy: "<script").count == 4)
  }

  @Test("the page asks for nothing from elsewhere")
  func selfContained() {
    let text = String(decoding: ReportPage(title: "t", data: [:]).bytes, as: UTF8.self)
    #expect(text.hasPrefix("<!doctype html>") && text.contains("default-src 'none'"))
    let addresses = text.matches(of: /https?:\/\/[^'"\s]*/).map { String($0.output) }
    #expect(addresses == ["http://www.w3.org/2000/svg"])
    for word in ["innerHTML", "eval(", "fetch(", "import(", "XMLHttpRequest", "<link", " src="] {
      #expect(!text.contains(word), "\(word)")
    }
    #expect(!text.contains("@@"))
  }

  @Test("every sentence is there in both languages, with the same names to fill in")
  func languages() throws {
    let words = try #require(try ReportPage.words.objectValue)
    #expect(words.count > 100)
    for (key, sentence) in words {
      #expect(sentence.objectValue?.keys == ["en", "zh"], "\(key)")
      let texts = ["en", "zh"].compactMap { sentence[$0]?.stringValue }
      #expect(texts.count == 2 && !texts.contains { $0.isEmpty }, "\(key)")
      let names = texts.map { Set($0.matches(of: /\{\w+\}/).map { String($0.output) }) }
      #expect(names.first == names.last, "\(key): \(texts)")
    }
  }

  @Test("the program uses no sentence that is not there, and none is there for nothing")
  func usedWords() throws {
    let words = try #require(try ReportPage.words.objectValue)
    let program = ReportPage.programText
    // Keys by themselves, and the beginnings to which the program adds a name.
    let texts = Set(
      program.matches(of: /['`]([a-z_]+(?:\.[\w\-]+)*\.?)(?:['`]|\$\{)/).map { String($0.output.1) })
    for call in program.matches(of: /\b(?:t|rich)\('([\w.\-]+)'[,)]/) {
      #expect(words[String(call.output.1)] != nil, "\(call.output.1)")
    }
    for key in words.keys {
      let isUsed = texts.contains { $0 == key || ($0.hasSuffix(".") && key.hasPrefix($0)) }
      // Titles of sections stand behind the name of the section.
      #expect(isUsed, "\(key)")
    }
  }
}
