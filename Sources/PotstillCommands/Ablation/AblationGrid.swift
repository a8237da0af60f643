import CommandOptions
import Distillation
import ModelFormats
import Terminal

/// The runs of an ablation: every recipe with every combination of some values of its keys.
struct AblationGrid {
  /// One recipe with one combination of values.
  struct Cell {
    /// The name of the folder of its runs.
    var name: String
    /// The values that distinguish it: the recipe, where there are several, and the key and the value of each axis.
    var values: [(key: String, value: String)]
    /// The recipe, without the keys that vary or that an ablation sets itself.
    fileprivate let recipe: RecipeFile
    /// The command that the recipe is for, `distill` or `train`.
    fileprivate let command: String
    fileprivate var entries: [RecipeFile.Entry] = []
  }

  /// The combinations, recipe by recipe, the last key varying fastest.
  let cells: [Cell]

  /// Keys that an ablation sets itself.
  private static let own: Set = ["output", "overwrite-output-dir", "seed", "json", "quiet", "dry-run"]

  /// The grid of some recipes and of settings such as `temperature=1,4,8`.
  ///
  /// Throws every unknown key, with the name that was probably meant, every value that its key does not take, and recipes
  /// of one name.
  init(_ recipes: [RecipeFile], vary settings: [String]) throws {
    var faults: [String] = []
    let axes = Self.axes(settings, &faults)
    let varied = Set(axes.map { OptionSpelling.canonical($0.key) })
    var starts: [Cell] = []
    for recipe in recipes {
      let names = varied.union(recipe.entries.map { OptionSpelling.canonical($0.key) })
      let command = RunKind(of: names).rawValue
      let catalogue = OptionCatalogue(of: command)
      faults += axes.filter { catalogue.entry(named: OptionSpelling.canonical($0.key)) == nil }.map {
        let near = OptionSpelling.suggestion(for: $0.key, in: catalogue)
        return "--vary \($0.key): '\(command)' (\(recipe.path)) has no such option; \(near)"
      }
      let fixed = recipe.entries.filter {
        let name = OptionSpelling.canonical($0.key)
        return !varied.contains(name) && !Self.own.contains(name)
      }
      let name = recipes.count > 1 ? recipe.name : ""
      if let other = starts.firstIndex(where: { $0.name == name }) {
        faults.append(
          "\(recipe.path) and \(recipes[other].path) are both '\(name)' in the table; give one another name")
      }
      starts.append(
        Cell(
          name: name, values: name.isEmpty ? [] : [("recipe", name)],
          recipe: RecipeFile(path: recipe.path, entries: fixed), command: command))
    }
    if !faults.isEmpty { throw RecipeError(faults) }
    cells = try starts.flatMap { try Self.combinations(of: $0, axes) }
    for cell in cells {
      do { _ = try arguments(of: cell, seed: 1, output: "output") } catch let error as RecipeError {
        faults += error.faults.filter { !faults.contains($0) }
      }
    }
    if !faults.isEmpty { throw RecipeError(faults) }
  }

  /// A run as a command line would spell it, by which its results are known when it is finished.
  func arguments(of cell: Cell, seed: Int, output: String) throws -> [String] {
    let varied = try cell.entries.flatMap { entry in
      try RecipeFile(path: "--vary \(entry.key)", entries: [entry]).spelled(for: cell.command)
    }
    return [cell.command] + (try cell.recipe.spelled(for: cell.command)) + varied
      + (try Self.own(seed: seed, output: output).spelled(for: cell.command))
  }

  /// Runs one combination with a seed, and returns the exit code.
  func run(_ cell: Cell, seed: Int, output: String, console: Console) -> Int32 {
    let own = Self.own(seed: seed, output: output).entries
    let recipe = RecipeFile(path: cell.recipe.path, entries: cell.recipe.entries + cell.entries + own)
    return CommandLineTool.run(cell.command, as: recipe, console: console)
  }

  /// The options that an ablation sets for a run.
  private static func own(seed: Int, output: String) -> RecipeFile {
    RecipeFile(
      path: "ablate",
      entries: [
        RecipeFile.Entry("output", .string(output)), RecipeFile.Entry("overwrite_output_dir", true),
        RecipeFile.Entry("seed", .integer(seed)), RecipeFile.Entry("quiet", true),
      ])
  }

  /// The axes of settings such as `temperature=1,4,8`; the settings' faults are added to `faults`.
  private static func axes(_ settings: [String], _ faults: inout [String]) -> [AblationAxis] {
    var axes: [AblationAxis] = []
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
      let key = OptionSpelling.canonical(parts.first ?? "")
      if parts.count < 2 {
        faults.append("--vary \(setting): expected a key and its values, such as temperature=1,4,8")
      } else if Self.own.contains(key) {
        faults.append("--vary \(parts[0]): an ablation sets \(parts[0]) itself; seeds are --seeds")
      } else if axes.contains(where: { OptionSpelling.canonical($0.key) == key }) {
        faults.append("--vary \(parts[0]): given twice; put all values into one list")
      } else {
        axes.append(AblationAxis(key.replacing("-", with: "_"), values: parts[1]))
      }
    }
    return axes
  }

  private static func combinations(of start: Cell, _ axes: [AblationAxis]) throws -> [Cell] {
    var cells = [start]
    for axis in axes {
      cells = try cells.flatMap { cell in
        try axis.values.enumerated().map { index, value in
          // A value means what it would mean in a recipe; "none" stands for a recipe without the key.
          let entries =
            value == "none"
            ? [] : try RecipeFile(path: "--vary \(axis.key)", text: "\(axis.key): \(value)").entries
          let isPlain = value.wholeMatch(of: /[A-Za-z0-9_.:-]{1,40}/) != nil
          let part = axis.key + "=" + (isPlain ? value : "#\(index + 1)")
          var next = cell
          next.name = cell.name.isEmpty ? part : cell.name + "," + part
          next.values.append((axis.key, value))
          next.entries += entries
          return next
        }
      }
    }
    // A recipe by itself has the folder that it would have beside others, which then find its runs finished.
    if axes.isEmpty { cells[0].name = start.recipe.name }
    return cells
  }
}

extension OptionSpelling {
  /// Advice on a key that no option has.
  static func suggestion(for key: String, in catalogue: OptionCatalogue) -> String {
    ModelFormats.suggestion(for: key, among: catalogue.recipeKeys).map { "did you mean \($0)?" }
      ?? "'--help' of the command lists the options"
  }
}
