import ArgumentParser
import ModelFormats

extension RecipeFile {
  /// The keys that change nothing here, each with its place and the reason.
  package var idleOptions: [String] {
    entries.compactMap { entry in
      OptionSpelling.idle[OptionSpelling.canonical(entry.key)].map {
        "\(path):\(entry.line): \(entry.key) changes nothing here: \($0.reason)"
      }
    }
  }

  /// The arguments of `subcommand` that this recipe stands for, followed by the command line's own, which win.
  ///
  /// Throws every unknown key and every value that its option does not take.
  package func arguments(for subcommand: String, overriddenBy own: [String]) throws -> [String] {
    let catalogue = OptionCatalogue(of: subcommand)
    var faults: [String] = []
    var result: [String] = []
    for entry in entries {
      let name = OptionSpelling.canonical(entry.key)
      if OptionSpelling.idle[name] != nil { continue }
      let place = "\(path):\(entry.line): "
      guard let option = catalogue.entry(named: name) else {
        let hint =
          name == "tasks"
          ? "a student of several tasks is made by 'potstill multitask'"
          : suggestion(for: entry.key, among: catalogue.recipeKeys).map { "did you mean \($0)?" }
        faults.append(
          place + "unknown key \(entry.key); "
            + (hint ?? "'potstill \(subcommand) --help' lists the options"))
        continue
      }
      let arguments =
        option.isFlag ? flag(entry, name: name, in: catalogue) : pairs(entry, name: name, of: option)
      guard let arguments else {
        faults.append(place + "\(entry.key) takes true or false, found \(entry.json.compactText)")
        continue
      }
      if let fault = Self.fault(of: [subcommand] + arguments) { faults.append(place + fault) }
      if option.isRepeating && Self.mentions(option, in: own) { continue }
      result += arguments
    }
    if !faults.isEmpty { throw RecipeError(faults) }
    return result + own
  }

  private func pairs(_ entry: Entry, name: String, of option: OptionCatalogue.Entry) -> [String] {
    // An option that takes one value gets a list as JSON: ["flsw", 1, 2].
    let values = option.isRepeating || entry.values.count == 1 ? entry.values : [entry.json.compactText]
    return values.map { "--\(name)=\($0)" }
  }

  private func flag(_ entry: Entry, name: String, in catalogue: OptionCatalogue) -> [String]? {
    guard entry.values.count == 1 else { return nil }
    switch entry.values[0].lowercased() {
    case "true", "yes", "on": return ["--\(name)"]
    case "false", "no", "off": return catalogue.entry(named: "no-\(name)") == nil ? [] : ["--no-\(name)"]
    default: return nil
    }
  }

  /// What the parser has to say against one option on its own.
  private static func fault(of arguments: [String]) -> String? {
    do {
      try EmptyOptions.check(try PotstillCommand.parseAsRoot(arguments))
      return nil
    } catch let usage as UsageError {
      return usage.description
    } catch {
      let message = PotstillCommand.message(for: error)
      return message.split(separator: "\n").first.map(String.init) ?? message
    }
  }

  private static func mentions(_ option: OptionCatalogue.Entry, in arguments: [String]) -> Bool {
    arguments.contains { argument in
      option.names.contains { argument == "--\($0)" || argument.hasPrefix("--\($0)=") }
    }
  }
}
