import Foundation
import Testing

/// The rules of the house that a reader of the sources can check; CONTRIBUTING says why each is one.
@Suite struct HouseTests {
  @Test func thereAreSources() {
    #expect(HouseSource.all.count > 200)
    #expect(
      HouseSource.all.contains {
        $0.path == "Tensors/Tape.swift" && $0.code.contains { $0.contains("class Tape") }
      })
  }

  /// Kinds of tasks have one room: what differs between them is a family's answer.
  @Test func kindsOfTasksAreNamedInTasksAlone() throws {
    let kinds =
      #"\.(classification|pair|regression|multiLabel|tokenClassification|questionAnswering|maskedLanguageModel|sequenceClassification|sentenceSimilarity)\b(?!\()"#
    let found = try HouseSource.places(
      #"(TaskKind|TaskHead|kind:|kind ==|kind !=|head:|head ==|head !=|case)\s*"# + kinds,
      in: { !["Tasks", "Encoders", "PotstillDemo"].contains($0.target) },
      allowed: [
        "Datasets/Reading/Dataset.swift": "pair is a text here"
      ])
    #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
  }

  /// Families of encoders have one room: whoever needs a difference asks the family.
  @Test func familiesOfEncodersAreTestedInTheirRoomAlone() throws {
    let found = try HouseSource.places(
      #"architecture\s*(==|!=)|\.isTransformer|as\? BertEncoder"#,
      in: { !$0.path.hasPrefix("Encoders/Families/") },
      allowed: [
        "Encoders/Definition/EncoderArchitecture.swift": "compares two models, whatever their family is"
      ])
    #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
  }

  /// C is called by Kernels, which gives it labels; libcurl by Hub.
  @Test func cIsCalledByItsOwnTargetAlone() throws {
    for (module, target) in [("CKernels", "Kernels"), ("CCurl", "Hub")] {
      let found = try HouseSource.places("import \(module)", in: { $0.target != target })
      #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }
  }

  /// Raw memory has two rooms.
  @Test func pointersStayInKernelsAndModelFormats() throws {
    let found = try HouseSource.places(
      #"withUnsafe|Unsafe(Mutable)?(Raw)?(Buffer)?Pointer"#,
      in: { !["Kernels", "ModelFormats"].contains($0.target) })
    #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
  }

  /// Files have one writer, which never leaves a half-written one.
  @Test func filesAreWrittenByModelFormatsAlone() throws {
    let room = "ModelFormats/Files"
    let found = try HouseSource.all.filter { $0.folder != room }.flatMap(Self.writes)
    #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    #expect(try HouseSource.all.filter { $0.folder == room }.flatMap(Self.writes).count > 5)
  }

  @Test(arguments: [
    "try Data(text.utf8).write(to: url)", "let data = try Data(bytes)\ntry data.write(to: url)",
    "func save(_ text: String) throws {\n  try text.write(to: url, encoding: .utf8)\n}",
    "let bytes = try JSONEncoder().encode(value)\ntry bytes.write(to: url)", "try \"text\".write(to: url)",
    "try text.write(toFile: path, atomically: true, encoding: .utf8)", "let file = open(path, O_WRONLY)",
    "files.createFile(atPath: path, contents: nil)", "try FileHandle(forWritingTo: url)",
    "guard rename(old, new) == 0 else { return }", "try FileManager.default.moveItem(at: old, to: new)",
    "let file = fopen(path, \"w\")",
  ])
  func aWriteIsFound(_ text: String) throws {
    #expect(try Self.writes(HouseSource(path: "A.swift", text: text)).count == 1, "\(text)")
  }

  @Test(arguments: [
    "try writer.write(to: url)", "try JSONValue.object(json).write(to: url)", "model.rename(labels: names)",
    "let data = try demo.data()\ntry data.write(to: url)", "let file = open(path, O_RDONLY)",
    "let text: String = f()\ntry json.write(to: url)", "// try Data(text.utf8).write(to: url)",
  ])
  func whatWritesNoFileIsLeftAlone(_ text: String) throws {
    #expect(try Self.writes(HouseSource(path: "A.swift", text: text)) == [], "\(text)")
  }

  /// Lines that write, rename or copy a file without ModelFormats: calls of the system and of Foundation, and
  /// `write(to:)` of what the same file declares as `Data` or `String`.
  private static func writes(_ source: HouseSource) throws -> [String] {
    let calls = try Regex(
      [
        #"\b(createFile|(move|copy|link|replace)Item(At)?|createSymbolicLink|OutputStream)\s*\("#,
        #"\b(fopen|freopen|fdopen|creat|mkstemps?|pwrite|fwrite|ftruncate|renameat2?|symlink)\s*\("#,
        #"\brename\s*\((?!labels:)"#, #"\bO_(WRONLY|RDWR|CREAT|APPEND|TRUNC)\b"#,
        #"\bfor(Writing|Updating)(To|AtPath)?:"#, #"\b(atomically|toFile):|options: \.atomic\b"#,
        #"(\b(Data|String)\(.*\)|\butf8\)|"|\.data\(.*\)[?!]?)\.write\(to:"#,
      ].joined(separator: "|")
    ).wordBoundaryKind(.simple)
    return try source.code.enumerated().filter { _, line in
      if line.contains(calls) { return true }
      guard let name = line.firstMatch(of: /(\w+)[?!]?\.write\(to:/)?.1 else { return false }
      let isText = try Regex(
        #"\b\#(name)\s*(:\s*(Data|String)\b|=\s*(try[?!]?\s+)?(Data\(|String\(|"|\w+\(\)\.encode\())"#
      ).wordBoundaryKind(.simple)
      return source.code.contains { $0.contains(isText) }
    }.map { "\(source.path):\($0.offset + 1): \($0.element.trimmingCharacters(in: .whitespaces))" }
  }

  /// A target knows those below it, and none above.
  @Test func targetsImportDownwards() throws {
    let order = [
      "CBuild", "CKernels", "CUtf8proc", "CCurl", "TaskFiles", "Kernels", "ModelFormats", "Hub", "Tensors",
      "Cluster",
      "Tokenization", "Datasets",
      "Encoders",
      "Evaluation", "Training", "Tasks", "Compression", "Exports", "Reports", "Distillation",
      "CompressionSearch",
      "Potstill",
      "Terminal",
      "PotstillDemo",
      "CommandOptions", "Serving", "PotstillCommands", "PotstillTool", "ServeTool",
    ]
    let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    for source in HouseSource.all {
      let own = try #require(places[source.target], "\(source.path): a target that the order does not name")
      for line in source.code where line.contains("import ") {
        guard let name = line.split(separator: " ").last.map(String.init), let place = places[name] else {
          continue
        }
        #expect(place < own, "\(source.path) imports \(name), which stands above \(source.target)")
      }
    }
  }

  /// Targets whose summaries have been rewritten; all shall be.
  private static let finished = [
    "Kernels", "Tensors", "Cluster", "ModelFormats", "Tokenization", "Datasets", "Evaluation", "Encoders",
    "Training",
    "Tasks", "Compression", "Exports", "Reports", "Distillation", "CompressionSearch", "Hub",
    "Terminal", "PotstillDemo",
    "CommandOptions",
    "PotstillCommands",
    "Serving",
  ]

  @Test func filesAndFoldersHaveASize() {
    for source in HouseSource.all {
      #expect(source.code.count <= 401, "\(source.path) has \(source.code.count) lines, at most 400")
    }
    for (folder, files) in Dictionary(grouping: HouseSource.all, by: \.folder) {
      #expect(files.count <= 14, "\(folder) has \(files.count) files, at most 14")
    }
    for target in Self.finished {
      let lines = HouseSource.all.filter { $0.target == target }.map { $0.code.count - 1 }.sorted()
      let median = lines.isEmpty ? 0 : (lines[(lines.count - 1) / 2] + lines[lines.count / 2]) / 2
      #expect(median >= 100, "the median file of \(target) has \(median) lines, at least 100")
    }
  }

  /// A summary begins with the noun that one would search for, and is no relative clause.
  @Test func summariesAreNoRiddles() throws {
    let riddle = try Regex(#"^\s*/// (What|Whom|Whose|Its|Which)\b"#)
    for source in HouseSource.all where Self.finished.contains(source.target) {
      var isInside = false
      for (index, line) in source.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        let isComment = line.drop { $0 == " " }.hasPrefix("///")
        if isComment, !isInside, line.contains(riddle) {
          Issue.record("\(source.path):\(index + 1): \(line.trimmingCharacters(in: .whitespaces))")
        }
        isInside = isComment
      }
    }
  }

  /// Commands parse, call the library and print; what they call is what a Swift user needs.
  @Test func commandsAreThin() {
    let commands = HouseSource.all.filter { $0.target == "PotstillCommands" }
    let lines = commands.reduce(0) {
      $0 + $1.text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
    }
    #expect(lines <= 5000, "PotstillCommands has \(lines) lines, at most 5000")
    var runs = 0
    for source in commands {
      for (start, line) in source.code.enumerated()
      where line.contains("func run(_ console: Console)") && line.hasSuffix("{") {
        let length = source.code[(start + 1)...].prefix { $0 != "  }" }.count
        runs += 1
        #expect(length <= 40, "\(source.path):\(start + 1): run has \(length) lines, at most 40")
      }
    }
    #expect(runs >= 15)
  }
}
