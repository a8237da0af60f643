import Testing

/// The rule on defaults, and proof that its reader finds them.
@Suite struct HouseSwitchTests {
  private func hiddenDefaults(_ text: String) -> [String] {
    let source = HouseSource(
      path: "A.swift", text: "enum Fruit { case apple, pear(Int)\n  case fig }\n" + text)
    return SwitchReader([source]).hiddenDefaults()
  }

  /// A new case of an enum does not compile until every place has an answer; no exception is needed so far.
  @Test func switchesOverOwnEnumsNameAllCases() {
    let reader = SwitchReader(HouseSource.all)
    #expect(reader.enums.count > 100 && reader.enums.contains { $0.isSuperset(of: ["mse", "dkd", "dist"]) })
    let found = reader.hiddenDefaults()
    #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
  }

  @Test(arguments: [
    "switch a { case .apple: 1 default: 2 }",
    "switch a {\ncase Fruit.pear(let n) where n > 1, .fig: f(n ? 1 : 2)\ndefault:\n  break\n}",
    "switch a { case .apple?: 1\n case _: 2 }",
    "switch a { case _ where b: 1\n case .apple, .fig, .pear: 2 }",
    "switch a { case .fig: 1\n case let other: g(other) }",
    "switch (a, b) { case (.fig, \"x\"): 1\n case (_, _): 2 }",
    "switch (a, b) { case let (.pear(n), m): n + m\n default: 2 }",
    "switch a.map({ $0 }) { case 1: switch b { case .fig: 1 default: 2 }\n case .other: 3 default: 4 }",
    "let text = \"} \\(f(\"}\", { switch a { case .fig: 1 default: 2 } }))\"",
  ])
  func aDefaultOverAnOwnEnumIsFound(_ text: String) { #expect(hiddenDefaults(text).count == 1, "\(text)") }

  @Test(arguments: [
    "switch a { case .apple, .fig: 1 case .pear(let n): counts[n, default: 0] }",
    "switch a { case .apple: f(default: 1)\n case .fig, .pear: if case .fig = b { 1 } }",
    "switch a { case \"apple\", 3, 0..<9: 1 default: 2 }",
    "switch a { case .success: 1 default: 2 }",
    "switch a { case .some: 1 default: 2 }",
    "switch a { case .apple: 1\n case .fig, .pear: 2\n @unknown default: 3 }",
    "// switch a { case .apple: 1 default: 2 }\nlet b = \"switch a { case .apple: 1 default: 2 }\"",
    "switch a { case .apple: switch b { case 1: 1 default: 2 }\n case .fig, .pear: 3 }",
    "switch (a, b) { case (.fig, _): 1\n case (.apple, _), (.pear, _): 2 }",
  ])
  func otherSwitchesAreLeftAlone(_ text: String) { #expect(hiddenDefaults(text) == [], "\(text)") }
}

/// Reader of the switches in Swift code, as far as the rule needs it: by words and brackets, without types.
///
/// An enum of ours is one declared in what was read. A switch is over such an enum if the names after a dot in its
/// cases, at one place of the pattern (its whole, or one element of its tuple), are all cases of that enum. A hidden
/// default is a `default`, or a case whose pattern takes everything, with a condition or without: `_`, `let value`,
/// `(_, _)`.
struct SwitchReader {
  /// A word or a sign of code, and the line it stands in.
  private struct Token {
    let text: Substring
    let line: Int
  }

  /// Cases of the enums that were read, one set for each enum.
  private(set) var enums: [Set<String>] = []
  private var files: [(path: String, tokens: [Token])] = []

  /// Reads the code of some files.
  init(_ sources: [HouseSource]) {
    for source in sources {
      let tokens = Self.tokens(of: source.code)
      files.append((source.path, tokens))
      for index in tokens.indices where Self.isKeyword("enum", at: index, in: tokens) {
        let cases = Self.cases(ofEnumAt: index, in: tokens)
        if !cases.isEmpty { enums.append(cases) }
      }
    }
  }

  /// Switches over an enum of ours that have a hidden default, as `path:line: the default`.
  func hiddenDefaults() -> [String] {
    files.flatMap { path, tokens in
      tokens.indices.filter { Self.isKeyword("switch", at: $0, in: tokens) }.compactMap { index in
        let labels = Self.labels(ofSwitchAt: index, in: tokens)
        guard let hidden = labels.first(where: { $0.takesAll }), isOverOwnEnum(labels) else { return nil }
        return "\(path):\(hidden.line): \(hidden.text)"
      }
    }
  }

  private func isOverOwnEnum(_ labels: [Label]) -> Bool {
    var names: [Int: Set<String>] = [:]
    for pattern in labels.flatMap(\.patterns) {
      for (place, name) in pattern.names { names[place, default: []].insert(name) }
    }
    return names.values.contains { names in
      !names.isSubset(of: ["some", "none"]) && enums.contains { names.isSubset(of: $0) }
    }
  }

  // MARK: Words

  private static func tokens(of code: [Substring]) -> [Token] {
    var tokens: [Token] = []
    for (number, line) in code.enumerated() {
      var rest = line
      while let first = rest.first {
        let count = max(1, rest.prefix(while: isPartOfWord).count)
        if !first.isWhitespace { tokens.append(Token(text: rest.prefix(count), line: number + 1)) }
        rest = rest.dropFirst(count)
      }
    }
    return tokens
  }

  private static func isPartOfWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_" || character == "`"
  }

  private static func isWord(_ text: Substring) -> Bool { text.first.map(isPartOfWord) ?? false }

  /// Whether a word is there as a keyword, not as a member's name or an argument's label.
  private static func isKeyword(_ word: Substring, at index: Int, in tokens: [Token]) -> Bool {
    tokens[index].text == word && (index == 0 || tokens[index - 1].text != ".")
      && (index + 1 == tokens.count || tokens[index + 1].text != ":")
  }

  /// The range inside the first braces after a place that stand in no other brackets.
  private static func body(after index: Int, in tokens: [Token]) -> Range<Int> {
    var (depth, start) = (0, index + 1)
    while start < tokens.count, depth > 0 || tokens[start].text != "{" {
      depth += depthChange(tokens[start])
      start += 1
    }
    var end = start
    repeat {
      if end < tokens.count { depth += depthChange(tokens[end]) }
      end += 1
    } while end < tokens.count && depth > 0
    return min(start + 1, tokens.count)..<max(min(start + 1, tokens.count), end - 1)
  }

  private static func depthChange(_ token: Token) -> Int {
    switch token.text {
    case "(", "[", "{": 1
    case ")", "]", "}": -1
    default: 0
    }
  }

  /// Places of a body that stand in no brackets of its own.
  private static func outer(_ body: Range<Int>, in tokens: [Token]) -> [Int] {
    var depth = 0
    return body.filter { index in
      let change = depthChange(tokens[index])
      defer { depth += change }
      return depth == 0 || depth == 1 && change < 0
    }
  }

  // MARK: Enums

  private static func cases(ofEnumAt index: Int, in tokens: [Token]) -> Set<String> {
    let places = outer(body(after: index, in: tokens), in: tokens)
    var names: Set<String> = []
    for (number, place) in places.enumerated() where tokens[place].text == "case" {
      var isName = true
      for next in places[(number + 1)...] {
        let text = tokens[next].text
        if isName {
          names.insert(text.filter { $0 != "`" })
        } else if tokens[next].line != tokens[next - 1].line, tokens[next - 1].text != "," {
          break
        }
        isName = text == ","
      }
    }
    return names
  }

  // MARK: Switches

  /// A `case` or the `default` of a switch.
  private struct Label {
    let line: Int
    let text: String
    let patterns: [Pattern]
    var takesAll: Bool { patterns.contains(where: \.takesAll) }
  }

  /// One of the patterns of a case.
  private struct Pattern {
    /// Names after a dot, with their place in the tuple.
    var names: [(place: Int, name: String)] = []
    var takesAll = false
  }

  private static func labels(ofSwitchAt index: Int, in tokens: [Token]) -> [Label] {
    let body = body(after: index, in: tokens)
    var labels: [Label] = []
    for place in outer(body, in: tokens) {
      let text = tokens[place].text
      if text == "default", place + 1 < body.upperBound, tokens[place + 1].text == ":" {
        // `@unknown default` is about enums of others.
        if tokens[place - 1].text == "unknown" { continue }
        labels.append(
          Label(line: tokens[place].line, text: "default", patterns: [Pattern(names: [], takesAll: true)]))
      } else if text == "case", !["if", "guard", "while", "for", ",", "."].contains(tokens[place - 1].text) {
        let pattern = untilColon(from: place + 1, to: body.upperBound, in: tokens)
        labels.append(
          Label(
            line: tokens[place].line,
            text: tokens[place..<pattern.upperBound].map(\.text).joined(separator: " "),
            patterns: split(pattern, in: tokens).map { self.pattern($0, in: tokens) }))
      }
    }
    return labels
  }

  private static func untilColon(from start: Int, to end: Int, in tokens: [Token]) -> Range<Int> {
    var (depth, place) = (0, start)
    while place < end, depth > 0 || tokens[place].text != ":" {
      depth += depthChange(tokens[place])
      place += 1
    }
    return start..<place
  }

  /// The parts between the commas of a range.
  private static func split(_ range: Range<Int>, in tokens: [Token]) -> [Range<Int>] {
    var (depth, start, parts) = (0, range.lowerBound, [Range<Int>]())
    for place in range {
      depth += depthChange(tokens[place])
      if depth == 0, tokens[place].text == "," {
        parts.append(start..<place)
        start = place + 1
      }
    }
    return parts + [start..<range.upperBound]
  }

  private static func pattern(_ range: Range<Int>, in tokens: [Token]) -> Pattern {
    let range = range.prefix { tokens[$0].text != "where" }
    let (binds, inner) = binding(range, in: tokens)
    guard let first = inner.first, let last = inner.last, tokens[first].text == "(", tokens[last].text == ")"
    else { return element(inner, binds: binds, place: 0, in: tokens) }
    var whole = Pattern(names: [], takesAll: true)
    for (place, part) in split(first + 1..<last, in: tokens).enumerated() {
      let (bindsToo, inner) = binding(part, in: tokens)
      let found = element(inner, binds: binds || bindsToo, place: place, in: tokens)
      whole.names += found.names
      whole.takesAll = whole.takesAll && found.takesAll
    }
    return whole
  }

  /// A pattern without the `let` or `var` and the label before it, and whether there is one that binds.
  private static func binding(_ range: Range<Int>, in tokens: [Token]) -> (binds: Bool, inner: Range<Int>) {
    var (binds, inner) = (false, range)
    while let first = inner.first {
      if ["let", "var"].contains(tokens[first].text) {
        binds = true
        inner = inner.dropFirst()
      } else if inner.count > 2, tokens[first + 1].text == ":" {
        inner = inner.dropFirst(2)
      } else {
        break
      }
    }
    return (binds, inner)
  }

  /// `_` and `name` bound take all; `.name`, `.name(…)`, `Type.name` and `.name?` name a case.
  private static func element(_ range: Range<Int>, binds: Bool, place: Int, in tokens: [Token]) -> Pattern {
    guard let first = range.first else { return Pattern() }
    if range.count == 1 { return Pattern(takesAll: tokens[first].text == "_" || binds) }
    let path = range.prefix { tokens[$0].text == "." || isWord(tokens[$0].text) }
    guard let last = path.last, path.count > 1, tokens[last - 1].text == ".", isWord(tokens[last].text) else {
      return Pattern()
    }
    return Pattern(names: [(place, tokens[last].text.filter { $0 != "`" })])
  }
}
