import ModelFormats

/// The recipe that a run really followed, as YAML that the same command reads again.
enum ResolvedRecipe {
  /// YAML with one line per option, in the order of the help text; of several values the last counts.
  static func yaml(command: String, _ objects: [JSONObject]) -> String {
    var merged = JSONObject()
    for object in objects {
      for (key, value) in object where !value.isNull { merged[key] = value }
    }
    let lines = OptionCatalogue(of: command).recipeKeys.compactMap { key in
      merged[key].map { "\(key): \(scalar($0))\n" }
    }
    return "# potstill \(PotstillVersion.current): run it again with 'potstill \(command) recipe.yaml'\n"
      + lines.joined()
  }

  /// JSON is YAML; plain words need no quotes.
  private static func scalar(_ value: JSONValue) -> String {
    guard let text = value.stringValue else { return value.compactText }
    let isPlain = text.wholeMatch(of: /[A-Za-z\/][A-Za-z0-9_.\/-]*/) != nil
    let means = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(text.lowercased())
    return isPlain && !means ? text : value.compactText
  }
}
