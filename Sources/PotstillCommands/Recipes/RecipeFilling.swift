import ArgumentParser
import CommandOptions
import ModelFormats
import Tasks

extension RecipeFile {
  /// The recipe's keys that are ignored, each with its place and the reason.
  package var ignoredOptions: [String] {
    entries.compactMap { entry in
      OptionSpelling.ignored[OptionSpelling.canonical(entry.key)].map {
        "\(path):\(entry.line): \(entry.key) changes nothing here: \($0.reason)"
      }
    }
  }

  /// Parsed options with this recipe's values for those that the command line did not give.
  ///
  /// - Parameters:
  ///   - options: A command, or a group of its options.
  ///   - subcommand: The name of the command.
  /// - Throws: `RecipeError` with every unknown key and every value that its option does not take; the
  ///   errors of the options' `validate` for values of recipe and command line together.
  package func filling<Options: ParsableArguments>(
    _ options: Options, of subcommand: String
  ) throws -> Options {
    var values: [String: Entry] = [:]
    for item in try items(for: Options.self, of: subcommand) { values[item.key] = item.entry }
    return try options.filled(with: values)
  }

  /// The recipe as a command line would spell it, by which a finished run of an ablation is known.
  ///
  /// - Throws: `RecipeError` with every unknown key and every value that its option does not take.
  package func spelled(for subcommand: String) throws -> [String] {
    try items(for: PotstillCommand.command(named: subcommand), of: subcommand).flatMap { item -> [String] in
      if item.option.isFlag { return ["--\(item.entry.values == ["true"] ? "" : "no-")\(item.name)"] }
      let values = item.option.isRepeating ? item.entry.values : [item.entry.text]
      return values.map { "--\(item.name)=\($0)" }
    }
  }

  /// An entry with the option that it fills; of a flag the value is `true` or `false`.
  private struct Item {
    let option: OptionCatalogue.Entry
    let name: String
    let entry: Entry
    var key: String { name.replacing("-", with: "_") }
  }

  private func items<Options: ParsableArguments>(
    for options: Options.Type, of subcommand: String
  ) throws -> [Item] {
    let catalogue = OptionCatalogue(of: subcommand)
    let blank = try Options.parse([])
    var faults: [String] = []
    var items: [Item] = []
    for entry in entries {
      let name = OptionSpelling.canonical(entry.key)
      if OptionSpelling.ignored[name] != nil { continue }
      let place = "\(path):\(entry.line): "
      guard let option = catalogue.entry(named: name) else {
        faults.append(place + Self.unknown(entry.key, name, in: catalogue, of: subcommand))
        continue
      }
      do throws(RecipeError) {
        guard let entry = try option.isFlag ? Self.flag(entry, name, in: catalogue) : entry else { continue }
        if !option.isFlag, entry.values.contains("") {
          throw RecipeError(["Missing value for '\(option.shown(name))'"])
        }
        let item = Item(
          option: option, name: catalogue.flagTurnedOff(by: name) ?? name, entry: entry)
        try Self.check(item, in: blank)
        items.append(item)
      } catch {
        faults += error.faults.map { place + $0 }
      }
    }
    if !faults.isEmpty { throw RecipeError(faults) }
    return items
  }

  private static func unknown(
    _ key: String, _ name: String, in catalogue: OptionCatalogue, of subcommand: String
  ) -> String {
    let hint =
      name == "tasks"
      ? "a student of several tasks is made by 'potstill multitask'"
      : OptionSpelling.refused[name]
        ?? suggestion(for: key, among: catalogue.recipeKeys).map { "did you mean \($0)?" }
    return "unknown key \(key); " + (hint ?? "'potstill \(subcommand) --help' lists the options")
  }

  /// The flag's entry with a plain value; nil where the value is the flag's default.
  private static func flag(
    _ entry: Entry, _ name: String, in catalogue: OptionCatalogue
  ) throws(RecipeError) -> Entry? {
    let isOn: Bool
    switch entry.values.count == 1 ? entry.values[0].lowercased() : "" {
    case "true", "yes", "on": isOn = true
    case "false", "no", "off": isOn = false
    default: throw RecipeError(["\(entry.key) takes true or false, found \(entry.json.compactText)"])
    }
    if catalogue.flagTurnedOff(by: name) != nil { return isOn ? Entry(flag: false, of: entry) : nil }
    return isOn || catalogue.entry(named: "no-" + name) != nil ? Entry(flag: isOn, of: entry) : nil
  }

  /// Checks one value against its option alone.
  private static func check(_ item: Item, in blank: some ParsableArguments) throws(RecipeError) {
    do {
      _ = try blank.filled(with: [item.key: item.entry])
    } catch let invalid as RecipeValueError {
      throw RecipeError([
        "The value '\(invalid.text)' is invalid for '\(item.option.shown(item.name))'\(item.option.valueList)"
      ])
    } catch let usage as UsageError {
      throw RecipeError([usage.description])
    } catch {
      let message = PotstillCommand.message(for: error)
      throw RecipeError([message.split(separator: "\n").first.map(String.init) ?? message])
    }
  }
}

extension RecipeFile.Entry {
  fileprivate init(flag isOn: Bool, of entry: RecipeFile.Entry) {
    self.init(key: entry.key, values: [isOn ? "true" : "false"], json: .bool(isOn), line: entry.line)
  }
}

/// Kind of a run that a recipe of a single model is for.
enum RunKind: String {
  case train, distill

  /// The kind that a recipe's keys speak of.
  ///
  /// - Parameter keys: The keys as options spell them.
  init(of keys: Set<String>) {
    self = keys.isDisjoint(with: ["teacher", "teacher-cache", "student"]) ? .train : .distill
  }
}

/// The recipe that a run really followed, as YAML that the same command reads again.
package enum ResolvedRecipe {
  /// YAML with one line per option, in the order of the help text; of several values the last counts.
  package static func yaml(command: String, _ objects: [JSONObject]) -> String {
    var merged = JSONObject()
    for object in objects {
      for (key, value) in object where !value.isNull { merged[key] = value }
    }
    let lines = OptionCatalogue(of: command).recipeKeys.compactMap { key in
      merged[key].map { "\(key): \($0.yamlScalar)\n" }
    }
    return "# potstill \(PotstillVersion.current): run it again with 'potstill \(command) recipe.yaml'\n"
      + lines.joined()
  }
}
