import ArgumentParser

/// Required options, which a recipe may hold instead; all missing ones are reported together.
package struct MissingOptions {
  private var missing: [String] = []

  /// No missing options yet.
  package init() {}

  /// The value, or a stand-in that is never used because `check` throws.
  package mutating func require(_ value: String?, _ option: String, _ meaning: String) -> String {
    if value == nil { missing.append("\(option) (\(meaning))") }
    return value ?? ""
  }

  /// Throws `UsageError` with all missing options.
  package func check() throws {
    if missing.isEmpty { return }
    throw UsageError("missing \(missing.joined(separator: ", "))")
  }
}

/// Options with an empty value, as `--output "$UNSET"` of a script has; they are refused.
package enum EmptyOptions {
  /// Options whose value may be empty.
  private static let exceptions: Set = ["_initialAlphabet", "_texts"]

  /// Checks that no text, path or name of a parsed command is empty.
  ///
  /// - Throws: `UsageError` with the option's name.
  package static func check(_ options: Any) throws {
    for (label, value) in Mirror(reflecting: options).children {
      if let group = value as? any OptionsHolder { try check(group.options) }
      guard let label, !exceptions.contains(label), let texts = (value as? any TextHolder)?.texts,
        texts.contains("")
      else { continue }
      let words = label.drop { $0 == "_" }.map { $0.isUppercase ? "-" + $0.lowercased() : String($0) }
      let name = value is any PositionalHolder ? words.joined() : "--" + words.joined()
      throw UsageError(
        "\(name) is empty; expected a value (a variable of the shell that is not set gives none)")
    }
  }
}

private protocol OptionsHolder { var options: Any { get } }
private protocol TextHolder { var texts: [String] { get } }
private protocol PositionalHolder {}

extension OptionGroup: OptionsHolder { fileprivate var options: Any { wrappedValue } }
extension Option: TextHolder { fileprivate var texts: [String] { textsOf(wrappedValue) } }
extension Argument: TextHolder { fileprivate var texts: [String] { textsOf(wrappedValue) } }
extension Argument: PositionalHolder {}

/// The texts of a value: one, several or none.
private func textsOf(_ value: Any) -> [String] {
  if let texts = value as? [String] ?? (value as? String).map({ [$0] }) { return texts }
  let arguments = value as? [JSONArgument] ?? (value as? JSONArgument).map { [$0] } ?? []
  return arguments.compactMap(\.text)
}

/// Checks of options that count rows, steps and the like.
package enum CountOption {
  /// Checks that a number is in a range; nil passes.
  ///
  /// - Throws: `ValidationError` with the option's name, what was found and what is expected.
  package static func check(_ value: Int?, _ option: String, _ range: ClosedRange<Int> = 1...Int.max) throws {
    guard let value, !range.contains(value) else { return }
    let most = range.upperBound == .max ? "" : " and at most \(range.upperBound)"
    throw ValidationError("\(option) is \(value); expected at least \(range.lowerBound)\(most).")
  }

  /// Checks that a limit leaves an example.
  package static func checkSamples(_ value: Int?, _ option: String) throws {
    if value == 0 {
      throw ValidationError("\(option) is 0, so 0 examples were asked for; expected at least 1.")
    }
    try check(value, option)
  }
}
