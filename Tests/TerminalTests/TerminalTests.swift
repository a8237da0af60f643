import Terminal
import Testing

@Suite struct TerminalTests {
  @Test func widthCountsEastAsianCharactersTwice() {
    #expect(displayWidth("Potstill") == 8)
    #expect(displayWidth("北京 Swift") == 10)
    #expect(displayWidth("e\u{301}") == 1)
    #expect(clipped("北京大学", to: 5) == "北京…")
    #expect(clipped("short", to: 5) == "short")
  }

  @Test func tablesAlignTextAndNumbers() {
    var table = TextTable([.text("model"), .number("accuracy")])
    table.add(["teacher", "0.91"])
    table.add(["学生", "0.9"])
    #expect(
      table.lines() == [
        "model    accuracy",
        "teacher      0.91",
        "学生          0.9",
      ])
    #expect(table.lines(bold: true)[0] == "\u{1B}[1mmodel    accuracy\u{1B}[0m")
  }

  @Test func tablesWithoutTitlesHaveNoHeading() {
    var table = TextTable([.text(""), .text("")])
    table.add(["core", "SkylakeX"])
    table.add(["threads"])
    #expect(table.lines() == ["core     SkylakeX", "threads"])
  }

  @Test func aTableThatIsTooWideIsFitted() {
    let table = TextTable(
      [.text("model"), .number("parameters", short: "params"), .number("accuracy"), .number("f1")],
      [["runs/one/teacher-of-all", "1,000", "0.9", "0.8"], ["b", "2", "0.7", "0.6"]])
    func fitted(_ width: Int) -> [[String]] { table.fitted(to: width).map { $0.lines() } }
    #expect(fitted(50) == [table.lines()])
    #expect(
      fitted(49) == [
        [
          "model                    params  accuracy   f1", "runs/one/teacher-of-all   1,000       0.9  0.8",
          "b                             2       0.7  0.6",
        ]
      ])
    #expect(
      fitted(40)[0][1...] == [
        "runs/one/…-of-all   1,000       0.9  0.8", "b                       2       0.7  0.6",
      ])
    #expect(
      fitted(30) == [
        ["model             params", "runs/one…-of-all   1,000", "b                      2"],
        ["model             accuracy", "runs/one…-of-all       0.9", "b                      0.7"],
        ["model              f1", "runs/one…-of-all  0.8", "b                 0.6"],
      ])
    let titled = TextTable([.text("per_device_train_batch_size"), .number("accuracy")], [["8", "0.9"]])
    #expect(titled.fitted(to: 20)[0].lines() == ["per_devi…ch_size  accuracy", "8                      0.9"])
    // No width is too small to end.
    #expect(table.fitted(to: 1).count == 3 && TextTable([]).fitted(to: 1).count == 1)
  }

  @Test func aTextAtTheEndGoesOnInLinesOfItsOwn() {
    let table = TextTable(facts: [("labels", "one, two, three, four, five"), ("head", "classifier")])
    #expect(
      table.fitted(to: 27)[0].lines() == [
        "labels  one, two, three,", "        four, five", "head    classifier",
      ])
    #expect(wrapped("  a bb ccc", to: 6, indent: 4) == ["  a bb", "    ccc"])
    #expect(wrapped("longest-word-of-all b", to: 6) == ["longest-word-of-all", "b"])
    #expect(middleClipped("abcdefghij", to: 6) == "abc…ij" && middleClipped("abc", to: 3) == "abc")
    #expect(displayWidth(middleClipped("北京大学的学生们", to: 9)) <= 9)
  }

  @Test func progressLooksLikeTqdm() {
    let line = ProgressLine(
      title: "Epoch 2/3", done: 412, total: 1105, elapsed: 72.28, values: [("loss", "0.41")])
    #expect(line.bar(width: 68) == "Epoch 2/3:  37%|███▋      | 412/1105 [01:12<02:02, 5.7it/s, loss=0.41]")
    #expect(line.plain() == "Epoch 2/3: 412/1105 [01:12<02:02, 5.7it/s, loss=0.41]")
    let start = ProgressLine(title: "Epoch 1/3", done: 0, total: 10, elapsed: 0)
    #expect(start.bar(width: 10) == "Epoch 1/3:   0%|          | 0/10 [00:00<?, ?it/s]")
  }

  @Test(arguments: [(59.6, "01:00"), (3_725.0, "1:02:05"), (0.2, "00:00")])
  func clocks(_ seconds: Double, _ text: String) { #expect(ProgressLine.clock(seconds) == text) }

  @Test(arguments: [(0.4, "2.5s/it"), (5.71, "5.7it/s"), (812.0, "812it/s")])
  func rates(_ rate: Double, _ text: String) { #expect(ProgressLine.rate(rate) == text) }

  @Test func aTerminalSeesOneLineRewritten() {
    let (console, messages) = Self.console(isTerminal: true)
    var clock = 0.0
    let display = ProgressDisplay(console, now: { clock })
    for step in 0...2 {
      display.show("Epoch 1/1", done: step, total: 2)
      clock += 1
    }
    display.note("saved")
    let frames = messages.contents.split(separator: "\r").map(String.init)
    #expect(frames.count == 3)
    #expect(frames[1].contains(" 1/2 [00:01<00:01, 1.0it/s]\u{1B}[K"))
    #expect(frames[2].hasSuffix("\u{1B}[K\nsaved\n"))
  }

  @Test func aLogSeesALineNowAndThen() {
    let (console, messages) = Self.console(isTerminal: false)
    var clock = 0.0
    let display = ProgressDisplay(console, now: { clock })
    for step in 0...100 {
      display.show("Epoch 1/1", done: step, total: 100)
      clock += 0.4
    }
    #expect(
      messages.contents == """
        Epoch 1/1: 38/100 [00:15<00:25, 2.5it/s]
        Epoch 1/1: 76/100 [00:30<00:10, 2.5it/s]
        Epoch 1/1: 100/100 [00:40<00:00, 2.5it/s]

        """)
  }

  @Test func partsOfATextStandOutInColour() {
    let (console, output) = (TextStream(inMemory: true), TextStream(inMemory: true))
    func show(_ marks: [(range: Range<Int>, type: String)], environment: [String: String] = [:]) {
      Console(output: output, messages: console, environment: environment).highlight("北京 has\u{7} Ada", marks)
    }
    show([(0..<2, "LOC"), (8..<11, "PER")], environment: ["NO_COLOR": "1"])
    #expect(output.contents.isEmpty)
    show([(0..<2, "LOC"), (8..<11, "PER"), (9..<11, "inside")])
    let colour = { (text: String, type: String) in
      "\u{1B}[1;36m\(text)\u{1B}[0m\u{1B}[2m(\(type))\u{1B}[0m"
    }
    #expect(output.contents.hasPrefix(colour("北京", "LOC") + " has"))
    #expect(
      output.contents.hasSuffix(" " + colour("Ada", "PER") + "\n") && !output.contents.contains("\u{7}"))
  }

  @Test func quietIsQuiet() {
    let (console, messages) = Self.console(isTerminal: true)
    console.isQuiet = true
    let display = ProgressDisplay(console, now: { 0 })
    display.show("Epoch 1/1", done: 1, total: 2)
    display.note("news")
    #expect(messages.contents.isEmpty)
  }

  @Test func styleNeedsATerminalThatWantsIt() {
    func style(_ isTerminal: Bool, _ environment: [String: String]) -> Bool {
      let console = Console(
        output: TextStream(inMemory: isTerminal), messages: TextStream(inMemory: isTerminal),
        environment: environment)
      return console.hasStyle(console.output)
    }
    #expect(style(true, ["TERM": "xterm"]))
    #expect(!style(false, ["TERM": "xterm"]))
    #expect(!style(true, ["NO_COLOR": "1"]))
    #expect(!style(true, ["TERM": "dumb"]))
  }

  static func console(isTerminal: Bool) -> (Console, TextStream) {
    let messages = TextStream(inMemory: isTerminal)
    return (Console(output: TextStream(inMemory: isTerminal), messages: messages), messages)
  }

  @Test func controlCharactersReachNoTerminalAndNoMessage() {
    let text = "a\u{1B}[2J\u{7}b\u{9B}c\u{202E}d\u{0}e"
    let shown = #"a\u001b[2J\u0007b\u009bc\u202ed\u0000e"#
    let (output, messages) = (TextStream(inMemory: true), TextStream(inMemory: false))
    let console = Console(output: output, messages: messages)
    console.result(text + "\n\tx")
    console.note(text)
    console.warn(text)
    #expect(output.contents == shown + "\n\tx\n")
    #expect(messages.contents == shown + "\npotstill: warning: " + shown + "\n")
    // A pipe gets what there is.
    let pipe = TextStream(inMemory: false)
    Console(output: pipe, messages: messages).result(text)
    #expect(pipe.contents == text + "\n")
    var table = TextTable([.text("na\u{1B}me")])
    table.add(["two\nlines\u{7}"])
    #expect(table.lines() == [#"na\u001bme"#, #"two\nlines\u0007"#])
  }

  @Test func messagesHaveAnEnd() {
    let messages = TextStream(inMemory: false)
    let console = Console(output: TextStream(inMemory: false), messages: messages)
    console.warn("found " + String(repeating: "x", count: 1_000_000) + ", expected less")
    let line = messages.contents
    #expect(line.count < 1700 && line.hasSuffix("xxx, expected less\n") && line.contains("characters) … "))
    console.warn(
      (0..<1000).map { "line \($0) of \(String(repeating: "y", count: 2000))" }.joined(separator: "\n"))
    #expect(messages.contents.count - line.count < 4700)
  }
}
