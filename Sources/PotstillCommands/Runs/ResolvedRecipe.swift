import ModelFormats

/// The recipe that a run really followed, as YAML that the same command reads again.
enum ResolvedRecipe {
  /// YAML with one line per option, those of `objects` in their order; later values replace earlier ones.
  static func yaml(command: String, _ objects: [JSONObject]) -> String {
    var merged = JSONObject()
    let known = Set(OptionCatalogue(of: command).recipeKeys)
    for object in objects {
      for (key, value) in object where known.contains(key) && !value.isNull { merged[key] = value }
    }
    let lines = merged.map { "\($0.key): \($0.value.compactText)\n" }
    return "# potstill \(PotstillVersion.current): run it again with 'potstill \(command) recipe.yaml'\n"
      + lines.joined()
  }
}
