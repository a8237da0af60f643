/// Regular expression over Unicode scalars, of the kinds that tokenizers' files hold (Oniguruma's syntax): the first
/// alternative that matches counts, repetition is greedy.
struct TextExpression: Sendable {
  /// A fault in an expression.
  struct Fault: Error {
    /// The fault, as the end of a sentence that begins with the expression.
    var reason: String
  }

  /// A part of an expression.
  indirect enum Node: Sendable {
    /// One scalar of a set.
    case scalar(ScalarSet)
    /// The first of these sequences that matches.
    case choice([[Node]])
    /// A scalar of a set, as often as possible; `keeps` never gives any back.
    case scalars(ScalarSet, count: ClosedRange<Int>, keeps: Bool)
    /// A sequence, as often as possible.
    case repetition([Node], count: ClosedRange<Int>)
    /// The beginning of the text, or its end.
    case edge(isEnd: Bool)
    /// Whether a sequence follows, or does not.
    case ahead([[Node]], follows: Bool)
  }

  private let nodes: [Node]

  /// - Throws: `Fault` for an expression that cannot be read or that matches the empty string.
  init(_ source: String) throws(Fault) {
    var parser = ExpressionParser(source)
    nodes = [.choice(try parser.parse())]
    if Self.least(nodes) == 0 { throw Fault(reason: "also matches the empty string") }
  }

  /// An expression that matches a scalar of a set so many times and more.
  init(atLeast count: Int, of set: ScalarSet) {
    nodes = [.scalars(set, count: count...(Int.max - 1), keeps: false)]
  }

  /// The end of the match that begins at a position, nil for none.
  func match(in text: [UInt8], at start: Int, within bounds: Range<Int>) -> Int? {
    Self.match(nodes, 0, text, start, bounds)
  }

  /// The least number of scalars that a sequence matches.
  private static func least(_ nodes: [Node]) -> Int {
    nodes.reduce(0) { sum, node in
      switch node {
      case .scalar: sum + 1
      case .choice(let choices): sum + (choices.map(least).min() ?? 0)
      case .scalars(_, let count, _): sum + count.lowerBound
      case .repetition(let inner, let count): sum + least(inner) * count.lowerBound
      case .ahead, .edge: sum
      }
    }
  }

  private static func match(
    _ nodes: [Node], _ index: Int, _ text: [UInt8], _ start: Int, _ bounds: Range<Int>
  ) -> Int? {
    guard index < nodes.count else { return start }
    switch nodes[index] {
    case .scalar(let set):
      guard let end = step(set, text, start, bounds) else { return nil }
      return match(nodes, index + 1, text, end, bounds)
    case .choice(let choices):
      let rest = nodes[(index + 1)...]
      for choice in choices {
        if let end = match(rest.isEmpty ? choice : choice + rest, 0, text, start, bounds) { return end }
      }
      return nil
    case .scalars(let set, let count, let keeps):
      var (position, found) = (start, 0)
      while found < count.upperBound, let next = step(set, text, position, bounds) {
        position = next
        found += 1
      }
      // Giving back leads away from the end.
      if index + 1 < nodes.count, case .edge(isEnd: true) = nodes[index + 1], position < bounds.upperBound {
        return nil
      }
      while found >= count.lowerBound {
        if let end = match(nodes, index + 1, text, position, bounds) { return end }
        if keeps || found == 0 { return nil }
        repeat { position -= 1 } while text[position] & 0xC0 == 0x80
        found -= 1
      }
      return nil
    case .repetition(let inner, let count):
      let rest = Array(nodes[(index + 1)...])
      if count.upperBound > 0 {
        let less = max(count.lowerBound - 1, 0)...(count.upperBound - 1)
        if let end = match(inner + [.repetition(inner, count: less)] + rest, 0, text, start, bounds) {
          return end
        }
      }
      return count.lowerBound == 0 ? match(rest, 0, text, start, bounds) : nil
    case .edge(let isEnd):
      guard start == (isEnd ? bounds.upperBound : bounds.lowerBound) else { return nil }
      return match(nodes, index + 1, text, start, bounds)
    case .ahead(let choices, let follows):
      let isThere = choices.contains { match($0, 0, text, start, bounds) != nil }
      return isThere == follows ? match(nodes, index + 1, text, start, bounds) : nil
    }
  }

  private static func step(_ set: ScalarSet, _ text: [UInt8], _ start: Int, _ bounds: Range<Int>) -> Int? {
    guard start < bounds.upperBound else { return nil }
    let (scalar, length) = text.span.scalar(at: start)
    return set.contains(scalar) ? start + length : nil
  }
}

/// Set of scalars in a regular expression.
struct ScalarSet: Sendable {
  /// A property that an escape names.
  enum Property: Sendable {
    case white, digit, letter, number
  }

  /// Ranges of scalars in it.
  var ranges: [ClosedRange<UInt32>] = []
  /// Properties, with whether they are had or not.
  var properties: [(property: Property, isHad: Bool)] = []
  /// Whether it is everything else.
  var isNegated = false

  func contains(_ scalar: UInt32) -> Bool {
    let isIn =
      ranges.contains { $0.contains(scalar) }
      || properties.contains { Self.has(scalar, $0.property) == $0.isHad }
    return isIn != isNegated
  }

  private static func has(_ scalar: UInt32, _ property: Property) -> Bool {
    switch property {
    case .white: UnicodeTables.shared.properties(of: scalar).contains(.white)
    case .digit: UnicodeFormTables.shared.isDigit(scalar)
    case .letter: ByteLevelSplitter.shared.isLetter(scalar)
    case .number: ByteLevelSplitter.shared.isNumber(scalar)
    }
  }
}

/// Parser of regular expressions.
private struct ExpressionParser {
  private let source: [UInt32]
  private var position = 0
  private var depth = 0
  private var ignoresCase = false

  /// Groups inside groups, and repetitions of what is more than a scalar.
  private static let (depthLimit, repetitionLimit) = (32, 64)

  init(_ source: String) { self.source = source.unicodeScalars.map(\.value) }

  mutating func parse() throws(TextExpression.Fault) -> [[TextExpression.Node]] {
    let choices = try choices()
    if position < source.count { throw fault("has a ) without a (") }
    return choices
  }

  private mutating func choices() throws(TextExpression.Fault) -> [[TextExpression.Node]] {
    depth += 1
    defer { depth -= 1 }
    if depth > Self.depthLimit { throw fault("nests too deeply") }
    var choices: [[TextExpression.Node]] = [[]]
    while position < source.count, !isNext(")") {
      if skip("|") {
        choices.append([])
      } else {
        choices[choices.count - 1].append(try repeated())
      }
    }
    return choices
  }

  /// An atom with the repetition behind it.
  private mutating func repeated() throws(TextExpression.Fault) -> TextExpression.Node {
    let atom = try atom()
    guard let count = try repetition() else { return atom }
    let keeps = skip("+")
    if isNext("?") || isNext("*") || isNext("{") { throw fault("repeats a repetition or repeats lazily") }
    switch atom {
    case .scalar(let set): return .scalars(set, count: count, keeps: keeps)
    case .choice(let choices):
      if keeps || count.upperBound > Self.repetitionLimit {
        throw fault("repeats a group without a limit of at most \(Self.repetitionLimit)")
      }
      return .repetition([.choice(choices)], count: count)
    case .scalars, .repetition, .ahead, .edge: throw fault("repeats what cannot be repeated")
    }
  }

  private mutating func repetition() throws(TextExpression.Fault) -> ClosedRange<Int>? {
    if skip("*") { return 0...Int.max - 1 }
    if skip("+") { return 1...Int.max - 1 }
    if skip("?") { return 0...1 }
    guard skip("{") else { return nil }
    let least = number()
    let most = skip(",") ? number() ?? Int.max - 1 : least
    guard skip("}"), let least, let most, least <= most else { throw fault("has a { without {least,most}") }
    // Oniguruma's limit.
    guard max(least, most == Int.max - 1 ? 0 : most) <= 100_000 else {
      throw fault("repeats more than 100,000 times")
    }
    return least...most
  }

  private mutating func number() -> Int? {
    var value: Int?
    while position < source.count, (0x30...0x39).contains(source[position]) {
      value = min((value ?? 0) * 10 + Int(source[position] - 0x30), 1_000_000)
      position += 1
    }
    return value
  }

  private mutating func atom() throws(TextExpression.Fault) -> TextExpression.Node {
    let scalar = source[position]
    switch Unicode.Scalar(scalar) {
    case "(": return try group()
    case "[": return .scalar(try set())
    case "\\":
      if position + 1 < source.count, source[position + 1] == 0x41 || source[position + 1] == 0x7A {
        position += 2
        return .edge(isEnd: source[position - 1] == 0x7A)
      }
      return .scalar(try escape())
    case "*", "+", "?", "{", ")", "]", "}": throw fault("has an unexpected \(Unicode.Scalar(scalar) ?? " ")")
    case "^", "$", ".": throw fault("uses \(Unicode.Scalar(scalar) ?? " ")")
    default:
      position += 1
      return .scalar(ScalarSet(ranges: forms(of: scalar)))
    }
  }

  private mutating func group() throws(TextExpression.Fault) -> TextExpression.Node {
    position += 1
    let outer = ignoresCase
    defer { ignoresCase = outer }
    var follows: Bool?
    if skip("?") {
      if skip("i") {
        ignoresCase = true
        guard skip(":") else { throw fault("uses a group that Potstill does not have") }
      } else if skip("!") {
        follows = false
      } else if skip("=") {
        follows = true
      } else if !skip(":") {
        throw fault("uses a group that Potstill does not have")
      }
    }
    let choices = try choices()
    guard skip(")") else { throw fault("has a ( without a )") }
    return follows.map { .ahead(choices, follows: $0) } ?? .choice(choices)
  }

  /// A class in brackets.
  private mutating func set() throws(TextExpression.Fault) -> ScalarSet {
    position += 1
    var set = ScalarSet()
    set.isNegated = skip("^")
    while position < source.count, !isNext("]") {
      if isNext("[") || isNext("&") { throw fault("has a class in a class") }
      var part = try classPart()
      if isNext("-"), position + 1 < source.count, source[position + 1] != 0x5D, let first = part.ranges.first
      {
        position += 1
        guard let end = try classPart().ranges.first?.lowerBound, end >= first.lowerBound else {
          throw fault("has a range that ends before it begins")
        }
        part.ranges = [first.lowerBound...end]
      }
      if ignoresCase { throw fault("ignores case in a class") }
      set.ranges += part.ranges
      set.properties += part.properties
    }
    guard skip("]") else { throw fault("has a [ without a ]") }
    return set
  }

  /// A character or an escape in a class.
  private mutating func classPart() throws(TextExpression.Fault) -> ScalarSet {
    if isNext("\\") { return try escape() }
    defer { position += 1 }
    return ScalarSet(ranges: [source[position]...source[position]])
  }

  private mutating func escape() throws(TextExpression.Fault) -> ScalarSet {
    position += 1
    guard position < source.count else { throw fault("ends with \\") }
    let scalar = source[position]
    position += 1
    switch Unicode.Scalar(scalar) {
    case "s": return ScalarSet(properties: [(.white, true)])
    case "S": return ScalarSet(properties: [(.white, false)])
    case "d": return ScalarSet(properties: [(.digit, true)])
    case "D": return ScalarSet(properties: [(.digit, false)])
    case "n": return ScalarSet(ranges: [0x0A...0x0A])
    case "r": return ScalarSet(ranges: [0x0D...0x0D])
    case "t": return ScalarSet(ranges: [0x09...0x09])
    case "x" where skip("{"):
      let code = try codePoint(digits: 1...8)
      guard skip("}") else { throw fault("has a \\x{ without a }") }
      return ScalarSet(ranges: forms(of: code))
    case "x":
      let code = try codePoint(digits: 1...2)
      guard code < 0x80 else { throw fault("writes a byte above 7F, expected \\x{…}") }
      return ScalarSet(ranges: forms(of: code))
    case "u":
      let code = try codePoint(digits: 4...4)
      return ScalarSet(ranges: forms(of: code))
    case "p", "P":
      guard skip("{") else { throw fault("has a \\p without a property") }
      var name = ""
      while position < source.count, !isNext("}"), let letter = Unicode.Scalar(source[position]) {
        name.unicodeScalars.append(letter)
        position += 1
      }
      _ = skip("}")
      let isHad = scalar == 0x70
      switch name {
      case "L": return ScalarSet(properties: [(.letter, isHad)])
      case "N": return ScalarSet(properties: [(.number, isHad)])
      case "Nd": return ScalarSet(properties: [(.digit, isHad)])
      default: throw fault("uses the property \(name)")
      }
    case let other?
    where other.isASCII && !("0"..."9").contains(other) && !("A"..."Z").contains(other)
      && !("a"..."z").contains(other):
      return ScalarSet(ranges: [scalar...scalar])
    default: throw fault("uses \\\(Unicode.Scalar(scalar) ?? " ")")
    }
  }

  /// The scalar that hexadecimal digits name, as many as there are and may be.
  private mutating func codePoint(digits: ClosedRange<Int>) throws(TextExpression.Fault) -> UInt32 {
    let text = source[position...].prefix(digits.upperBound).compactMap(Unicode.Scalar.init)
      .prefix { $0.properties.isASCIIHexDigit }
    position += text.count
    let letters = String(String.UnicodeScalarView(text))
    guard text.count >= digits.lowerBound,
      let scalar = UInt32(letters, radix: 16).flatMap(Unicode.Scalar.init)
    else { throw fault("has an escape without a code point (found \"\(letters)\")") }
    return scalar.value
  }

  /// A scalar, and with (?i: the others that differ by case alone.
  private func forms(of scalar: UInt32) -> [ClosedRange<UInt32>] {
    guard ignoresCase, let letter = Unicode.Scalar(scalar) else { return [scalar...scalar] }
    var forms = [scalar...scalar]
    for other in letter.properties.lowercaseMapping.unicodeScalars { forms.append(other.value...other.value) }
    for other in letter.properties.uppercaseMapping.unicodeScalars { forms.append(other.value...other.value) }
    // The long s and the sign of the kelvin.
    if scalar | 0x20 == 0x73 { forms.append(0x17F...0x17F) }
    if scalar | 0x20 == 0x6B { forms.append(0x212A...0x212A) }
    return forms
  }

  // MARK: Characters

  private func isNext(_ scalar: Unicode.Scalar) -> Bool {
    position < source.count && source[position] == scalar.value
  }

  private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
    guard isNext(scalar) else { return false }
    position += 1
    return true
  }

  private func fault(_ reason: String) -> TextExpression.Fault { TextExpression.Fault(reason: reason) }
}
