import Encoders
import Foundation
import ModelFormats
import PotstillCommands
import Tasks
import Tensors
import Terminal
import Testing
import Tokenization

/// Rows of every form through `predict`, and what becomes of their columns.
@Suite struct PredictionRowsTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    let trained = potstill([
      "train", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--model", world.path("base"),
      "--output",
      world.path("model"), "--max-steps", "20", "--learning-rate", "2e-3", "--quiet",
    ])
    try #require(trained.code == 0, "\(trained.messages)")
  }

  private func write(_ name: String, _ text: String) throws -> String {
    try Data(text.utf8).write(to: world.folder.appending(path: name))
    return world.path(name)
  }

  private func predict(_ options: [String], input: [String] = [], code: Int32 = 0) throws -> ToolRun {
    let run = potstill(["predict", "--model", world.path("model")] + options, input: input)
    try #require(run.code == code, "\(options): \(run.messages)")
    return run
  }

  /// The label and its probability, as the command line alone gives them.
  private func answer(_ text: String) throws -> (label: String, score: Double) {
    let json = try JSONValue(parsing: predict([text, "--json"]).output)
    return (try #require(json["label"]?.stringValue), try #require(json["score"]?.doubleValue))
  }

  static let texts = ["the film was good", "the soup, it was awful", "a \"great\" book"]

  @Test func aTableKeepsItsColumnsAndGetsTheAnswers() throws {
    let input = try write(
      "in.csv",
      "id,review,gold\n7,the film was good,x\n8,\"the soup, it was awful\",y\n9,\"a \"\"great\"\" book\",x\n")
    _ = try predict(["--input", input, "--output", world.path("out.csv"), "--all-scores"])
    let lines = try world.text("out.csv").split(separator: "\n").map(String.init)
    #expect(lines[0] == "id,review,gold,prediction,probability,probability_negative,probability_positive")
    #expect(lines.count == 4)
    for (line, (start, text)) in zip(
      lines.dropFirst(),
      zip(
        ["7,the film was good,x,", "8,\"the soup, it was awful\",y,", "9,\"a \"\"great\"\" book\",x,"],
        Self.texts))
    {
      let (label, score) = try answer(text)
      #expect(line.hasPrefix(start + label + ","), "\(line)")
      let numbers = line.split(separator: ",").suffix(3).compactMap { Double($0) }
      #expect(abs(numbers[0] - score) < 1e-6 && abs(numbers[1] + numbers[2] - 1) < 1e-12)
    }
    // The same as JSON lines, which are a form of answers.
    _ = try predict(["--input", input, "--output", world.path("out.jsonl")])
    let objects = try world.text("out.jsonl").split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
    #expect(objects.map { $0["id"]?.stringValue } == ["7", "8", "9"])
    #expect(objects.map { $0["review"]?.stringValue } == Self.texts)
    for object in objects {
      let all = try #require(object["probabilities"]?.objectValue)
      #expect(all.keys == ["negative", "positive"])
      #expect(all[try #require(object["prediction"]?.stringValue)] == object["probability"])
    }
    // And of compressed rows, of JSON and of text.
    let list = try write(
      "in.json", "[{\"n\": 1, \"text\": \"the film was good\"}, {\"n\": 2, \"text\": \"a weak tea\"}]")
    _ = try predict(["--input", list, "--output", world.path("out.tsv")])
    #expect(try world.text("out.tsv").hasPrefix("n\ttext\tprediction\tprobability\n1\tthe film was good\t"))
    let text = try write("in.txt", "the film was good\nthe tea, was weak\tvery\n")
    let plain = try predict(["--input", text])
    #expect(
      plain.output.split(separator: "\n").map { $0.split(separator: "\t").last } == [
        "the film was good", #"the tea, was weak\tvery"#,
      ])
  }

  @Test func evaluateShowsEachLabelAndKeepsTheRows() throws {
    let options = [
      "evaluate", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--model",
      world.path("model"),
      "--quiet",
    ]
    let table = potstill(options + ["--output", world.path("answers")])
    try #require(table.code == 0, "\(table.messages)")
    #expect(table.output.contains("precision") && table.output.contains(#"true \ predicted"#))
    let rows = try world.text("answers/predictions.jsonl").split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
    let report = try #require(JSONValue(parsing: potstill(options + ["--json"]).output)["report"])
    for (place, label) in ["negative", "positive"].enumerated() {
      let (own, found) = (
        rows.filter { $0["label"]?.stringValue == label },
        rows.filter { $0["prediction"]?.stringValue == label }
      )
      let right = own.count { $0["prediction"]?.stringValue == label }
      #expect(report["classes"]?[label]?["support"]?.intValue == own.count)
      #expect(report["confusion_matrix"]?[place]?[place]?.intValue == right)
      #expect(
        report["classes"]?[label]?["precision"]?.doubleValue
          == (found.isEmpty ? 0 : Double(right) / Double(found.count)))
    }
    #expect(
      rows.allSatisfy {
        $0["text"]?.stringValue?.isEmpty == false && $0["probabilities"]?.objectValue?.count == 2
      })
  }

  @Test func theLikeliestLabelsAreInOrder() throws {
    let line = try predict(["the film was good", "--top-k", "5"]).output.split(separator: "\t")
    #expect(line.count == 5 && Set([line[0], line[2]]) == ["negative", "positive"])
    #expect(try #require(Double(line[1])) >= #require(Double(line[3])))
    let json = try JSONValue(parsing: predict(["the film was good", "--top-k", "1", "--json"]).output)
    #expect(json["probabilities"]?.objectValue?.keys == [try #require(json["label"]?.stringValue)])
    let input = try write("in.csv", "text\nthe film was good\n")
    _ = try predict(["--input", input, "--output", world.path("out.csv"), "--top-k", "2"])
    #expect(try world.text("out.csv").hasPrefix("text,prediction,probability,prediction_2,probability_2\n"))
  }

  @Test func rowsOfStandardInputAreReadAsTheyCome() throws {
    // Each line is answered before the next is asked for.
    let output = TextStream(inMemory: false)
    var answered: [Int] = []
    var lines = ["the film was good", "a weak tea", "a fine soup"][...]
    let console = Console(
      output: output, messages: TextStream(inMemory: false),
      input: {
        answered.append(output.contents.split(separator: "\n").count)
        return lines.popFirst()
      })
    let command = ["predict", "--model", world.path("model")]
    #expect(CommandLineTool.run(command, console: console, launcher: StandInServer()) == 0)
    #expect(answered == [0, 1, 2, 3])
    let run = try predict([], input: ["the film was good", #"{"text": "a weak tea"}"#, "{no object"])
    #expect(
      run.output.split(separator: "\n").map { $0.split(separator: "\t").last } == [
        "the film was good", "a weak tea", "{no object",
      ])
    let table = try predict(["--input-format", "csv"], input: ["id,text", "1,\"two", "lines\"", "2,good"])
    #expect(
      table.output.split(separator: "\n").map { $0.split(separator: "\t").last } == [#"two\nlines"#, "good"])
  }

  @Test func whatCannotBeReadIsSaidWithItsLine() throws {
    let table = try write("in.csv", "id,text\n1,good\n2,good,more\n3,bad\n")
    #expect(
      try predict(["--input", table], code: 1).messages.contains("in.csv:3: found 3 columns, expected 2"))
    let skipped = try predict(["--input", table, "--skip-bad-rows"])
    #expect(
      skipped.output.split(separator: "\n").count == 2
        && skipped.messages.contains("1 rows were left out; the first in line 3"))
    let objects = try write("in.jsonl", "{\"text\": \"a\"}\n{\"t\": 1}\n")
    #expect(try predict(["--input", objects], code: 1).messages.contains("in.jsonl:2: found no \"text\""))
    let unknown = try write("b.csv", "a,b\nx,y\nz,w\n")
    #expect(try predict(["--input", unknown], code: 1).messages.contains("--text-column"))
    #expect(try predict(["--input", unknown, "--text-column", "b"]).output.hasSuffix("\tw\n"))
    let taken = try write("c.csv", "text,prediction\na,b\n")
    let message = try predict(["--input", taken, "--output", world.path("c-out.csv")], code: 1).messages
    #expect(message.contains("c.csv:2: the input has a column \"prediction\" already"))
    #expect(!FileManager.default.fileExists(atPath: world.path("c-out.csv")), "nothing half written remains")
  }

  @Test func longTextsAreCutAndSaidOrReadInWindows() throws {
    let long = (0..<40).map { TinyWorld.goodWords[$0 % 4] }.joined(separator: " ")
    let input = try write("in.txt", "\(long)\nthe film was good\n")
    let cut = try predict(["--input", input, "--max-seq-length", "12"])
    #expect(
      cut.messages.contains(
        "1 of 2 texts (50.0 %) have more than 12 tokens and were cut there; --window mean"))
    // By hand: windows of 10 words that share 2, each answered alone.
    let tokenizer = try BertTokenizer(directory: world.folder.appending(path: "model"))
    let windows = try tokenizer.encodeWindows(long, truncation: Truncation(maxLength: 12, stride: 2))
    #expect(windows.count == 5)
    let model = try TaskModel(directory: world.folder.appending(path: "model"))
    let probabilities = windows.map { window -> [Double] in
      let logits = model(TokenBatch(sequences: [(window.ids, window.segments)]), in: .inference).logits.values
        .map(Double.init)
      let sum = logits.map { exp($0) }.reduce(0, +)
      return logits.map { exp($0) / sum }
    }
    let mean = (0..<2).map { label in probabilities.map { $0[label] }.reduce(0, +) / 5 }
    let largest = (0..<2).map { label in probabilities.map { $0[label] }.max() ?? 0 }
    for (how, expected) in [("mean", mean), ("max", largest.map { $0 / largest.reduce(0, +) })] {
      let run = try predict([
        "--input", input, "--max-seq-length", "12", "--window", how, "--doc-stride", "2", "--all-scores",
        "--json",
      ])
      #expect(!run.messages.contains("were cut"))
      let first = try JSONValue(parsing: String(#require(run.output.split(separator: "\n").first)))
      for (label, value) in zip(["negative", "positive"], expected) {
        let found = try #require(first["probabilities"]?[label]?.doubleValue)
        #expect(abs(found - value) < 1e-5, "\(how) \(label)")
      }
    }
    #expect(
      try predict(["--window", "mean", "--doc-stride", "10", "--max-seq-length", "12", "a"], code: 1).messages
        .contains("less than the 10 tokens"))
  }
}
