import ArgumentParser
import Distillation
import Evaluation
import Foundation
import ModelFormats
import PotstillCommands
import Tasks
import Terminal
import Testing

/// Help, plans and tables on a terminal of 80 columns.
@Suite struct HelpTests {
  /// Every command with the words that call it.
  private static let commands: [(words: String, type: any ParsableCommand.Type)] = below(
    PotstillCommand.self, [])

  private static func below(
    _ command: any ParsableCommand.Type, _ words: [String]
  ) -> [(words: String, type: any ParsableCommand.Type)] {
    [(words.joined(separator: " "), command)]
      + command.configuration.subcommands.flatMap { below($0, words + [$0._commandName]) }
  }

  private static func help(_ words: String) throws -> [String] {
    let command = try #require(commands.first { $0.words == words })
    return PotstillCommand.helpMessage(for: command.type, columns: 80).split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
  }

  @Test(arguments: commands.map(\.words))
  func noLineIsWiderThanATerminal(words: String) throws {
    for line in try Self.help(words) { #expect(displayWidth(line) <= 80, "\(words): \(line)") }
  }

  @Test(arguments: [
    ("train", ["ARGUMENTS", "MODEL", "TASK", "RUN", "TRAINING", "OPTIONS"]),
    (
      "distill",
      [
        "ARGUMENTS", "TEACHERS", "STUDENT", "TASK", "RUN", "DISTILLATION", "TRAINING", "MORE TEXTS",
        "TEACHER'S ANSWERS",
        "TWO STAGES", "BERT-OF-THESEUS", "OPTIONS",
      ]
    ),
    (
      "multitask",
      ["ARGUMENTS", "TASKS AND STUDENT", "RUN", "DISTILLATION", "TRAINING", "TEACHERS' ANSWERS", "OPTIONS"]
    ),
    ("evaluate", ["MODEL", "TASK", "OPTIONS"]), ("robustness", ["MODELS", "TASK", "CHANGES", "OPTIONS"]),
    ("cache", ["TEACHER", "TASK", "RUN", "MORE TEXTS", "OPTIONS"]),
    ("augment", ["ARGUMENTS", "TASK", "TEXTS", "OPTIONS"]), ("predict", ["ARGUMENTS", "OPTIONS"]),
  ])
  func sectionsStandInTheOrderOfNeed(words: String, sections: [String]) throws {
    let titles = try Self.help(words).filter {
      $0.hasSuffix(":") && $0 == $0.uppercased() && !$0.hasPrefix(" ")
    }
    #expect(titles.map { String($0.dropLast()) } == sections)
  }

  @Test(arguments: [
    ("train", "--model", "MODEL"), ("train", "--dry-run", "RUN"), ("distill", "--student", "STUDENT"),
    ("distill", "--student-tokenizer", "STUDENT"), ("distill", "--dry-run", "RUN"),
    ("distill", "--baseline", "RUN"),
    ("distill", "--unlabelled-file", "MORE TEXTS"), ("evaluate", "--model", "MODEL"),
    ("cache", "--teacher", "TEACHER"),
    ("pretrain", "--config", "TEXT AND MODEL"), ("multitask", "--student", "TASKS AND STUDENT"),
    ("distill", "--json", "OPTIONS"), ("distill", "--threads", "OPTIONS"),
  ])
  func anOptionStandsWhereItBelongs(words: String, option: String, section: String) throws {
    var title = ""
    for line in try Self.help(words) {
      if line.hasSuffix(":"), line == line.uppercased(), !line.hasPrefix(" ") {
        title = String(line.dropLast())
      }
      if line.hasPrefix("  \(option) ") || line == "  \(option)" {
        #expect(title == section)
        return
      }
    }
    Issue.record("\(words) has no \(option)")
  }

  private static func shown(_ table: TextTable, isTerminal: Bool, columns: String = "80") -> [String] {
    let output = TextStream(inMemory: isTerminal)
    let console = Console(
      output: output, messages: TextStream(inMemory: false),
      environment: ["COLUMNS": columns, "NO_COLOR": "1"])
    console.result(table)
    return output.contents.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  @Test func theClosingTableWithTwoMetricsFits() {
    func row(_ name: String, _ parameters: Int, _ metrics: [String]) -> ModelMeasurement {
      ModelMeasurement(
        name: name, layers: 12, parameters: parameters, samplesPerSecond: 1234, latency: nil,
        metrics: metrics.map { Score($0, 0.91234) })
    }
    for metrics in [["accuracy", "f1"], ["matthews_correlation", "f1_macro"], ["exact_match", "f1"]] {
      let table = ModelMeasurement.table([
        row("runs/2026/teachers/bert-base", 109_483_778, metrics),
        row("student without a teacher", 66_955_010, metrics),
        row("student", 66_955_010, metrics),
      ])
      let folded = Self.shown(table, isTerminal: true)
      for line in folded { #expect(displayWidth(line) <= 80, "\(line)") }
      #expect(folded.joined().contains("runs/2") && folded.joined().contains("109,483,778"))
      for metric in metrics { #expect(folded.contains { $0.contains(metric) }) }
      // In a pipe everything stands in one line, by the full names.
      let piped = Self.shown(table, isTerminal: false)
      #expect(piped.count == 5 && piped[0].contains("sentences/s") && displayWidth(piped[0]) > 80)
    }
  }

  @Test func aConfusionMatrixFits() throws {
    let labels = (1...12).map { "category-number-\($0)" }
    let matrix = ConfusionMatrix(
      predictions: labels.indices.map { ($0 + 1) % 12 }, labels: Array(labels.indices))
    let report = ClassReport(matrix, names: labels)
    for table in [report.table, try #require(report.matrixTable)] {
      let lines = Self.shown(table, isTerminal: true)
      for line in lines { #expect(displayWidth(line) <= 80, "\(line)") }
      for label in labels { #expect(lines.contains { $0.hasPrefix(label) }) }
    }
    let header = Self.shown(try #require(report.matrixTable), isTerminal: true).joined()
    for label in labels { #expect(header.contains(label)) }
  }

  @Test func aPlanIsWrappedAtSpacesBelowItsText() {
    let line =
      "memory   about 1,204.5 MB: parameters 255.4, gradients 255.4, optimizer 510.8, activations 182.9 MB at 4,096 tokens a batch"
    let console = Console(
      output: TextStream(inMemory: true), messages: TextStream(inMemory: false),
      environment: ["COLUMNS": "80"])
    let wrapped = console.planLines(line, on: console.output)
    #expect(wrapped.count == 2 && wrapped.allSatisfy { $0.count <= 80 })
    #expect(
      wrapped[1].hasPrefix("         ")
        && wrapped.joined(separator: " ").split(separator: " ") == line.split(separator: " "))
    #expect(console.planLines(line, on: console.messages) == [line])
  }

  @Test func aLimitOfRowsIsSaid() throws {
    let world = try TinyWorld()
    let task = [
      "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--model", world.path("base"),
    ]
    let plan = potstill(["train", "--dry-run", "--max-train-samples", "3", "--max-eval-samples", "1"] + task)
    #expect(plan.code == 0, "\(plan.messages)")
    #expect(
      plan.messages.contains(try Regex(#"train\.tsv: \d+ examples, the first 3 taken\n"#)), "\(plan.messages)"
    )
    #expect(
      plan.messages.contains(try Regex(#"dev\.tsv: \d+ examples, the first taken\n"#)), "\(plan.messages)")
    #expect(!potstill(["train", "--dry-run"] + task).messages.contains("taken"))
  }
}
