import ModelFormats

/// The runs of an ablation: every combination of some values of a recipe's keys.
struct AblationGrid {
  /// One key with its values.
  struct Axis {
    /// The key as a recipe spells it.
    let key: String
    /// The values as they were given; `none` leaves the key out.
    let values: [String]
  }

  /// One combination of values.
  struct Cell {
    /// The folder of its runs.
    let name: String
    /// The key and the value of each axis.
    let values: [(key: String, value: String)]
    fileprivate let entries: [RecipeFile.Entry]
  }

  /// The command that the recipe is for, `distill` or `train`.
  let command: String
  /// The keys that vary.
  let axes: [Axis]
  /// The combinations, the last key varying fastest.
  let cells: [Cell]
  private let recipe: RecipeFile
  private let fixed: [RecipeFile.Entry]

  /// Keys that an ablation sets itself.
  private static let own: Set = ["output", "overwrite-output-dir", "seed", "json", "quiet", "dry-run"]

  /// The grid of a recipe and of settings such as `temperature=1,4,8`.
  ///
  /// Throws every unknown key, with the name that was probably meant, and every value that its key does not take.
  init(_ recipe: RecipeFile, vary settings: [String]) throws {
    self.recipe = recipe
    let names = Set(recipe.entries.map { OptionSpelling.canonical($0.key) })
    command = names.contains("teacher") || names.contains("student") ? "distill" : "train"
    let catalogue = OptionCatalogue(of: command)
    var faults: [String] = []
    var axes: [Axis] = []
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
      let key = OptionSpelling.canonical(parts.first ?? "")
      if parts.count < 2 {
        faults.append("--vary \(setting): expected a key and its values, such as temperature=1,4,8")
      } else if Self.own.contains(key) {
        faults.append("--vary \(parts[0]): an ablation sets \(parts[0]) itself; seeds are --seeds")
      } else if catalogue.entry(named: key) == nil {
        let near = OptionSpelling.suggestion(for: parts[0], in: catalogue)
        faults.append("--vary \(parts[0]): '\(command)' has no such option; \(near)")
      } else if axes.contains(where: { OptionSpelling.canonical($0.key) == key }) {
        faults.append("--vary \(parts[0]): given twice; put all values into one list")
      } else {
        axes.append(Axis(key: key.replacing("-", with: "_"), values: Self.values(of: parts[1])))
      }
    }
    if !faults.isEmpty { throw RecipeError(faults) }
    self.axes = axes
    let varied = Set(axes.map { OptionSpelling.canonical($0.key) })
    fixed = recipe.entries.filter {
      let name = OptionSpelling.canonical($0.key)
      return !varied.contains(name) && !Self.own.contains(name)
    }
    cells = try Self.combinations(axes)
    for cell in cells {
      do { _ = try arguments(of: cell, seed: 1, output: "output") } catch let error as RecipeError {
        faults += error.faults.filter { !faults.contains($0) }
      }
    }
    if !faults.isEmpty { throw RecipeError(faults) }
  }

  /// The command line of one run.
  func arguments(of cell: Cell, seed: Int, output: String) throws -> [String] {
    let own = ["--output=\(output)", "--overwrite-output-dir", "--seed=\(seed)", "--quiet"]
    let varied = try cell.entries.flatMap { entry in
      try RecipeFile(path: "--vary \(entry.key)", entries: [entry]).arguments(for: command, overriddenBy: [])
    }
    let others = try RecipeFile(path: recipe.path, entries: fixed).arguments(for: command, overriddenBy: [])
    return [command] + others + varied + own
  }

  private static func combinations(_ axes: [Axis]) throws -> [Cell] {
    var cells = [Cell(name: "", values: [], entries: [])]
    for axis in axes {
      cells = try cells.flatMap { cell in
        try axis.values.enumerated().map { index, value in
          // A value means what it would mean in a recipe; "none" stands for a recipe without the key.
          let entries =
            value == "none"
            ? [] : try RecipeFile(path: "--vary \(axis.key)", text: "\(axis.key): \(value)").entries
          let isPlain = value.wholeMatch(of: /[A-Za-z0-9_.:-]{1,40}/) != nil
          let part = axis.key + "=" + (isPlain ? value : "#\(index + 1)")
          return Cell(
            name: cell.name.isEmpty ? part : cell.name + "," + part,
            values: cell.values + [(axis.key, value)], entries: cell.entries + entries)
        }
      }
    }
    return axes.isEmpty ? [Cell(name: "recipe", values: [], entries: [])] : cells
  }

  /// Values between commas, of which those inside brackets and quotes belong to a value.
  private static func values(of text: String) -> [String] {
    var values = [""]
    var depth = 0
    var isQuoted = false
    for character in text {
      if character == "\"" { isQuoted.toggle() }
      if !isQuoted && "[{".contains(character) { depth += 1 }
      if !isQuoted && "]}".contains(character) { depth -= 1 }
      if character == "," && depth == 0 && !isQuoted {
        values.append("")
      } else {
        values[values.count - 1].append(character)
      }
    }
    return values
  }
}

extension OptionSpelling {
  /// What to do about a key that no option has.
  static func suggestion(for key: String, in catalogue: OptionCatalogue) -> String {
    ModelFormats.suggestion(for: key, among: catalogue.recipeKeys).map { "did you mean \($0)?" }
      ?? "'--help' of the command lists the options"
  }
}
