import Foundation
import ModelFormats
import Testing

@Suite struct JSONValueTests {
  @Test func readsEveryKindOfValueInOrder() throws {
    let value = try JSONValue(
      parsing:
        #" {"z": 1, "a": [true, false, null], "m": {"x": -2.5e3}, "s": "a\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00"} "#
    )
    #expect(value.objectValue?.keys == ["z", "a", "m", "s"])
    #expect(value["z"]?.intValue == 1)
    #expect(value["a"] == [true, false, nil])
    #expect(value["m"]?["x"]?.doubleValue == -2500)
    #expect(value["s"]?.stringValue == "a\"\\/\u{8}\u{c}\n\r\té\u{e9}😀")
    #expect(value["a"]?[1]?.boolValue == false)
    #expect(value["a"]?[3] == nil)
  }

  @Test func keepsIntegersExact() throws {
    let value = try JSONValue(
      parsing:
        "[9007199254740993, -9223372036854775808, 9223372036854775808, 1000000000000000019884624838656, 1.0]")
    #expect(value[0] == .integer(9_007_199_254_740_993))
    #expect(value[1] == .integer(.min))
    #expect(value[2] == .largeInteger("9223372036854775808"))
    #expect(value[3]?.intValue == nil)
    #expect(value[3]?.doubleValue == 1e30)
    #expect(value[4]?.intValue == nil)
    #expect(value.compactText.contains("1000000000000000019884624838656, 1.0"))
  }

  @Test func composedAndDecomposedKeysDiffer() throws {
    let value = try JSONValue(parsing: "{\"caf\\u00e9\": 1, \"cafe\\u0301\": 2}")
    #expect(value.objectValue?.count == 2)
    #expect(value["cafe\u{301}"]?.intValue == 2)
  }

  @Test(arguments: [
    (#"{"a": 1,"#, 1, 9, "key in double quotes"),
    ("{\n  \"a\": 1,\n  \"a\": 2\n}", 3, 3, "\"a\" occurs twice"),
    ("[1, 2", 1, 6, "expected ',' or ']'"),
    ("[1 2]", 1, 4, "found '2'"),
    ("{\"a\" 1}", 1, 6, "expected ':'"),
    ("[NaN]", 1, 2, "NaN"), ("-Infinity", 1, 2, "expected a digit"), ("Infinity", 1, 1, "Infinity"),
    ("1e999", 1, 1, "too large"), ("01", 1, 1, "must not start with 0"), ("1.", 1, 3, "digit after '.'"),
    ("1e", 1, 3, "exponent"), ("[1,]", 1, 4, "expected a value"), ("tru", 1, 1, "expected a value"),
    ("\"\\ud83d\"", 1, 2, "surrogate"), ("\"\\ud83d\\u0041\"", 1, 2, "surrogate"),
    ("\"\\ude00\"", 1, 2, "surrogate"),
    ("\"\\x\"", 1, 2, "unknown escape"), ("\"\\u12g4\"", 1, 2, "four hexadecimal"),
    ("\"a\nb\"", 1, 3, "control character"),
    ("\"abc", 1, 1, "not closed"), ("\"abc\\", 1, 6, "end of the file"), ("", 1, 1, "end of the file"),
    ("{} x", 1, 4, "after the end"),
  ])
  func faultsNameLineAndColumn(_ text: String, _ line: Int, _ column: Int, _ reason: String) {
    do throws(FormatError) {
      let value = try JSONValue(parsing: text, file: "t.json")
      Issue.record("accepted \(text) as \(value)")
    } catch {
      guard case .json("t.json", line, column, let found) = error else {
        Issue.record("\(text): \(error)")
        return
      }
      #expect(found.contains(reason), "\(text): \(found)")
    }
  }

  @Test func rejectsInvalidUTF8AndEndlessNesting() {
    #expect(throws: FormatError.self) { try JSONValue(parsing: [0x22, 0xC3, 0x28, 0x22]) }
    #expect(throws: FormatError.self) { try JSONValue(parsing: [0x22, 0x5C, 0x6E, 0xED, 0xA0, 0x80, 0x22]) }
    #expect(throws: FormatError.self) { try JSONValue(parsing: String(repeating: "[", count: 1_000_000)) }
    #expect(throws: FormatError.self) {
      try JSONValue(parsing: String(repeating: "{\"a\":", count: 1_000_000))
    }
  }

  @Test func writesTheTextItRead() throws {
    let text = """
      {
        "architectures": [
          "BertModel"
        ],
        "layer_norm_eps": 1e-12,
        "empty": {},
        "none": [],
        "max": 1000000000000000019884624838656,
        "label": "très 好\\n\\u0001",
        "dropout": 0.1
      }
      """
    #expect(try JSONValue(parsing: text).prettyText == text)
    #expect(JSONValue.double(.nan).compactText == "null")
    #expect(try JSONValue(parsing: "{\"a\":[1,{\"b\":null}]}").compactText == #"{"a": [1, {"b": null}]}"#)
  }

  @Test func editsObjects() throws {
    var object = JSONObject()
    for index in 0..<1000 { object["key\(index)"] = .integer(index) }
    object["key500"] = nil
    object["key7"] = "seven"
    object["new"] = .null
    #expect(object.count == 1000)
    #expect(object["key500"] == nil)
    #expect(object["key7"] == "seven")
    #expect(object["key999"] == 999)
    #expect(object.keys.last == "new")
    #expect(object.map(\.key) == object.keys)
    #expect(try JSONValue(parsing: JSONValue.object(object).compactText) == .object(object))
  }

  @Test func mutatedTextNeverCrashes() throws {
    let original = Array(#"{"a":[1,2.5e-3,"x\u00e9\n"],"b":{"c":null,"d":true},"e":-7}"#.utf8)
    var state: UInt64 = 1
    for _ in 0..<20_000 {
      var bytes = original
      for _ in 0..<3 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let place = Int(state >> 33) % bytes.count
        bytes[place] = UInt8(truncatingIfNeeded: state >> 56)
      }
      if let value = try? JSONValue(parsing: bytes) {
        #expect(try JSONValue(parsing: value.compactText) == value)
      }
    }
  }

  @Test func filesAreReplacedWhole() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "potstill-json-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appending(path: "config.json")
    try JSONValue.object(JSONObject()).write(to: url)
    try JSONValue(parsing: "[1]").write(to: url)
    #expect(try JSONValue(contentsOf: url) == [1])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["config.json"])
    #expect(throws: FormatError.self) { try JSONValue(contentsOf: folder.appending(path: "none.json")) }
    #expect(throws: FormatError.self) {
      try JSONValue.null.write(to: folder.appending(path: "no/where.json"))
    }
  }
}
