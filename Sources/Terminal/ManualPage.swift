/// Page of the manual in the macros of `man(7)`, made of a command's description.
///
/// Written after groff_man(7) and mandoc(1), so that both set it without a warning.
package struct ManualPage {
  /// The text of the page in roff, with its last line end.
  package let text: String

  /// The page of a program: its commands, its environment and what its exit says.
  ///
  /// - Parameters:
  ///   - program: The description of the program.
  ///   - version: The version at the foot.
  package init(of program: CommandDescription, version: String) {
    let name = program.commandName
    var page = Roff(title: name, version: version)
    page.section("Name", ["\(Roff.escaped(name)) \\- \(Roff.escaped(Self.line(program.abstract)))"])
    page.section("Synopsis", [".B \(Roff.escaped(name))", ".I command", "[\\fIoptions\\fR]"])
    page.section("Description", Roff.paragraphs(program.discussion ?? ""))
    page.section(
      "Commands",
      program.shownCommands.flatMap { command in
        Roff.item(
          ".BR \(Roff.escaped("\(name)-\(command.commandName)")) (1)", Roff.escaped(command.abstract ?? ""))
      })
    page.section(
      "Environment", Self.environment.flatMap { Roff.item(".B \(Roff.escaped($0))", Roff.escaped($1)) })
    page.section("Exit status", Self.exits.flatMap { Roff.item(".B \(Roff.escaped($0))", Roff.escaped($1)) })
    text = page.text
  }

  /// The page of one command of a program, with those below it.
  package init(of command: CommandDescription, in program: String, version: String) {
    let name = "\(program)-\(command.commandName)"
    var page = Roff(title: name, version: version)
    page.section("Name", ["\(Roff.escaped(name)) \\- \(Roff.escaped(Self.line(command.abstract)))"])
    page.section("Synopsis", Self.synopsis(of: command, after: program))
    page.section("Description", Roff.paragraphs(command.discussion ?? ""))
    page.add(command)
    for part in command.shownCommands {
      page.section("\(command.commandName) \(part.commandName)", Roff.paragraphs(part.abstract ?? ""))
      page.lines += Self.synopsis(of: part, after: "\(program) \(command.commandName)")
      page.lines += Roff.paragraphs(part.discussion ?? "")
      page.add(part, asSections: false)
    }
    page.section("See also", [".BR \(Roff.escaped(program)) (1)"])
    text = page.text
  }

  private static let environment: [(name: String, meaning: String)] = [
    ("POTSTILL_TASKS", "Further folders of task files, separated by colons, before all others."),
    ("POTSTILL_NUM_THREADS", "Processors to use, as --threads."),
    (
      "POTSTILL_INT8_KERNEL",
      "Instructions for products of 8-bit integers: vnni, avx2, neon or c; the fastest ones by default."
    ),
    ("HF_HUB_CACHE, HF_HOME", "The place of the Hugging Face cache, in which names of models are looked up."),
    ("HF_TOKEN", "The token for private and gated models of the Hugging Face hub, and for push."),
    ("HF_HUB_OFFLINE", "If 1, nothing is downloaded or uploaded."),
    ("HF_ENDPOINT", "The address of another hub than https://huggingface.co."),
    ("NO_COLOR", "If set, nothing is printed in colour or bold."),
    ("COLUMNS", "The width of the terminal, where it does not say."),
  ]

  private static let exits: [(name: String, meaning: String)] = [
    ("0", "All went well."), ("1", "What was asked for could not be done; the message says why."),
    ("64", "The command line makes no sense."),
    ("129, 130, 143", "SIGHUP, SIGINT or SIGTERM ended a run, which saved itself before."),
  ]

  /// A summary as the line of a list: without a full stop.
  private static func line(_ summary: String?) -> String {
    var text = summary ?? ""
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  private static func synopsis(of command: CommandDescription, after program: String) -> [String] {
    let values = (command.arguments ?? []).filter { $0.kind == "positional" }.map { argument in
      let name =
        "\\fI\(Roff.escaped(argument.valueName ?? "value"))\\fR" + (argument.isRepeating ? " ..." : "")
      return argument.isOptional ? "[\(name)]" : name
    }
    let rest = command.shownCommands.isEmpty ? ["[\\fIoptions\\fR]"] + values : ["\\fIcommand\\fR"]
    return [".PP", ".B \(Roff.escaped("\(program) \(command.commandName)"))"] + rest
  }
}

/// Lines of roff under construction.
private struct Roff {
  var lines: [String]

  init(title: String, version: String) {
    // Names of options and values are not hyphenated, nor spread.
    lines = [".TH \(Self.escaped(title.uppercased())) 1 \"\" \"\(Self.escaped(version))\"", ".nh", ".ad l"]
  }

  var text: String { lines.joined(separator: "\n") + "\n" }

  /// Adds a section, unless nothing is in it.
  mutating func section(_ title: String, _ body: [String]) {
    if body.isEmpty { return }
    lines.append(".SH \(Self.escaped(title.uppercased()))")
    // Macros of paragraphs right behind a heading do nothing, and are warned of.
    lines += body.first == ".PP" ? Array(body.dropFirst()) : body
  }

  /// Adds the values and the options of a command, a section for each title.
  mutating func add(_ command: CommandDescription, asSections: Bool = true) {
    // Each command has these two; the page of its group says so once.
    let arguments = (command.arguments ?? []).filter { argument in
      asSections || argument.names?.contains { ["help", "version"].contains($0.name) } != true
    }
    var titles: [String] = []
    var items: [String: [String]] = [:]
    for (index, argument) in arguments.enumerated() {
      if let before = index > 0 ? arguments[index - 1] : nil, argument.isInversion(of: before) { continue }
      let inversion = index + 1 < arguments.count && arguments[index + 1].isInversion(of: argument)
      let title = argument.sectionTitle ?? (argument.kind == "positional" ? "Arguments" : "Options")
      if items[title] == nil { titles.append(title) }
      items[title, default: []] += argument.item(withInversion: inversion)
    }
    let last = titles.filter { $0 == "Options" }
    for title in titles.filter({ $0 != "Options" }) + last {
      if asSections { section(title, items[title] ?? []) } else { lines += items[title] ?? [] }
    }
  }

  /// A tagged paragraph.
  static func item(_ tag: String, _ text: String) -> [String] { [".TP", tag] + (text.isEmpty ? [] : [text]) }

  /// A text for people: paragraphs filled, lines that are indented kept as they are.
  static func paragraphs(_ text: String) -> [String] {
    var lines: [String] = []
    var isExample = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let isIndented = line.hasPrefix("  ")
      if isExample, !isIndented { lines += [".EE", ".RE"] }
      if line.allSatisfy({ $0 == " " }) {
        isExample = false
        continue
      }
      if isIndented, !isExample { lines += [".PP", ".RS 4", ".EX"] }
      if !isIndented { lines.append(".PP") }
      isExample = isIndented
      lines.append(escaped(String(isIndented ? line.dropFirst(2) : line)))
    }
    return lines + (isExample ? [".EE", ".RE"] : [])
  }

  /// A text as roff shows it: quotes, hyphens and backslashes as they are typed, other characters by their numbers.
  static func escaped(_ text: String) -> String {
    let marks: [Unicode.Scalar: String] = [
      "\\": "\\e", "-": "\\-", "'": "\\(aq", "\"": "\\(dq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti",
    ]
    let shown = text.unicodeScalars.map { scalar in
      if let mark = marks[scalar] { return mark }
      if scalar.isASCII { return String(scalar) }
      let number = String(scalar.value, radix: 16, uppercase: true)
      return "\\[u" + String(repeating: "0", count: max(0, 4 - number.count)) + number + "]"
    }.joined()
    return shown.hasPrefix(".") ? "\\&" + shown : shown
  }
}

extension CommandDescription.Argument {
  /// Whether this is the flag that turns another one off.
  fileprivate func isInversion(of other: Self) -> Bool {
    guard kind == "flag", let name = names?.first?.name else { return false }
    return other.kind == "flag" && other.names?.contains { name == "no-" + $0.name } == true
  }

  /// The tagged paragraph of the option.
  fileprivate func item(withInversion: Bool) -> [String] {
    let value = kind == "flag" ? nil : valueName
    var typed = (names ?? []).map(\.typed)
    if withInversion, let name = names?.first(where: { $0.kind == "long" })?.name {
      typed.append("--no-" + name)
    }
    var tag = typed.map { "\\fB\(Roff.escaped($0))\\fR" }.joined(separator: ", ")
    if let value { tag += (tag.isEmpty ? "" : " ") + "\\fI\(Roff.escaped(value))\\fR" }
    var parts = [abstract ?? ""]
    if let allValues, !allValues.isEmpty { parts.append("Values: \(allValues.joined(separator: ", ")).") }
    if let defaultValue { parts.append("Default: \(defaultValue).") }
    return Roff.item(tag, Roff.escaped(parts.filter { !$0.isEmpty }.joined(separator: " ")))
  }
}
