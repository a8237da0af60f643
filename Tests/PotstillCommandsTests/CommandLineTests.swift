import ArgumentParser
import CommandOptions
import Datasets
import Kernels
import PotstillCommands
import Tasks
import Terminal
import Testing

@Suite struct CommandLineTests {
  @Test func helpGoesToStandardOutput() {
    let run = potstill(["--help"])
    #expect(run.code == 0)
    #expect(run.output.hasPrefix("OVERVIEW: Distil big NLP Transformers into small ones, on ordinary CPUs."))
    #expect(run.messages.isEmpty)
  }

  @Test func versionIsOneLine() {
    #expect(potstill(["--version"]).output == "potstill \(PotstillVersion.current)\n")
    #expect(potstill(["train", "--version"]).output == "potstill \(PotstillVersion.current)\n")
    #expect(PotstillVersion.line(commit: "abc1234") == "potstill \(PotstillVersion.current) (abc1234)")
  }

  @Test(arguments: [
    (["disitll"], "distill"), (["trian"], "train"), (["eval"], "evaluate"),
    (["Predict", "--json"], "predict"),
    (["help", "distil"], "distill"), (["bench", "infr"], "infer"),
  ])
  func aMisspeltCommandGetsTheNearest(words: [String], meant: String) {
    let run = potstill(words)
    #expect(run.code == 64)
    #expect(run.messages.contains("Unknown command '") && run.messages.contains("Did you mean '\(meant)'?"))
  }

  @Test func aCommandThatIsNearToNoneGetsTheHelp() {
    let run = potstill(["quantum"])
    #expect(run.code == 64)
    #expect(
      run.messages
        == "potstill: error: Unknown command 'quantum'\n  See 'potstill --help' for more information.\n")
    #expect(potstill(["help", "train"]).output.contains("USAGE: potstill train"))
    #expect(potstill([]).output.contains("USAGE: potstill <subcommand>"))
  }

  @Test func aCommandLineWithoutSenseExitsWith64() {
    let run = potstill(["inspect", "--machin"])
    #expect(run.code == 64)
    #expect(run.messages.hasPrefix("potstill: error: Unknown option '--machin'. Did you mean '--machine'?\n"))
    #expect(run.output.isEmpty)
    #expect(potstill(["inspct"]).code == 64)
    #expect(potstill(["inspect", "--threads", "0"]).code == 64)
  }

  @Test func aFailureExitsWith1AndNamesTheFile() {
    let run = potstill(["inspect", "/no/such/folder"])
    #expect(run.code == 1)
    #expect(
      run.messages
        == "potstill: error: /no/such/folder: there is no such folder; expected the folder of a model, with "
        + "config.json and its tokenizer\n")
  }

  @Test(arguments: ["0", "-1", "two", ""])
  func aSenselessNumberOfThreadsIsAnError(value: String) {
    let run = potstill(["inspect", "--machine"], environment: ["POTSTILL_NUM_THREADS": value])
    #expect(run.code == 1)
    #expect(run.messages.contains("POTSTILL_NUM_THREADS is \"\(value)\"; expected a whole number from 1"))
    #expect(run.output.isEmpty)
  }

  @Test(arguments: ["avx9", "AVX2", "", "VNNI"])
  func aSenselessKernelOfIntegersIsAnError(value: String) {
    let run = potstill(["inspect", "--machine"], environment: ["POTSTILL_INT8_KERNEL": value])
    #expect(run.code == 1 && run.output.isEmpty)
    #expect(
      run.messages.contains("POTSTILL_INT8_KERNEL is \"\(value)\"; expected one of c"), "\(run.messages)")
  }

  @Test func everyKernelOfIntegersHasItsName() {
    for kernel in Int8Kernel.allCases {
      let run = potstill(["inspect", "--machine"], environment: ["POTSTILL_INT8_KERNEL": kernel.name])
      #expect(run.code == (kernel.isAvailable ? 0 : 1), "\(kernel.name): \(run.messages)")
      #expect(
        kernel.isAvailable || run.messages.contains("which this processor does not have; expected one of c"))
    }
  }

  /// The options of run_qa and run_ner, as their users write them.
  @Test func settingsOfQuestionsAndEntitiesWinOverTheTask() throws {
    let parse = { (arguments: [String]) in
      try WindowOptions.parse(OptionSpelling.translate(arguments).arguments)
    }
    let questions = TaskDefinition(name: "qa", kind: .questionAnswering, validationFile: DataFile("dev.json"))
    let options = try parse([
      "--doc_stride", "64", "--n_best_size=5", "--max_answer_length", "12", "--null_score_diff_threshold",
      "-1.5",
    ])
    let set = try options.applied(to: questions)
    #expect(set.docStride == 64 && set.questions.nBestSize == 5 && set.questions.maxAnswerLength == 12)
    #expect(set.questions.nullScoreDiffThreshold == -1.5)
    #expect(try parse([]).applied(to: questions) == questions)
    let entities = TaskDefinition(
      name: "ner", kind: .tokenClassification, validationFile: DataFile("dev.txt"), labels: ["PER"])
    #expect(try parse(["--label_all_tokens"]).applied(to: entities).entities.labelAllTokens)
    let error = #expect(throws: UsageError.self) { try options.applied(to: entities) }
    #expect(error.map { "\($0)" }?.contains("--max-answer-length means nothing to ner") == true)
  }

  static let subcommands = PotstillCommand.configuration.groupedSubcommands.flatMap(\.subcommands)

  @Test(arguments: subcommands.map { $0.configuration })
  func everyCommandHasHelp(_ configuration: CommandConfiguration) throws {
    let name = try #require(configuration.commandName)
    let run = potstill([name, "--help"])
    #expect(run.code == 0)
    #expect(run.output.contains("OVERVIEW: \(configuration.abstract)"))
    #expect(run.output.contains("USAGE: potstill \(name)"))
    let tooLong = run.output.split(separator: "\n").filter {
      !$0.hasPrefix("USAGE") && displayWidth(String($0)) > 100
    }
    #expect(tooLong.isEmpty)
  }

  @Test func messagesOfLongArgumentsHaveAnEnd() {
    let run = potstill(["score", "--metric", "accuracy", String(repeating: "p", count: 100_000), "gold"])
    #expect(run.code == 1 && run.messages.count < 5000)
  }

  @Test func serveHandsItsArgumentsOn() {
    let run = potstill(["serve", "--model", "m", "--port", "0", "--max-seq-length", "64"])
    #expect(run.code == 0 && run.output.hasPrefix("m on 127.0.0.1:0 by "), "\(run.messages)")
    #expect(run.output.contains(#"["serve", "--model", "m", "--port", "0", "--max-seq-length", "64"]"#))
    for (wrong, words) in [
      (["--port", "65536"], "at most 65535"), (["--time-limit", "nan"], "0.001 to 86400"),
      (["--max-texts", "0"], "--max-texts is 0"),
    ] {
      let run = potstill(["serve", "--model", "m"] + wrong)
      #expect(run.code == 64 && run.messages.contains(words), "\(run.messages)")
    }
  }
}
