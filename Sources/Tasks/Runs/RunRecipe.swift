import Foundation
import ModelFormats
import Training

/// Recipe of a run: the settings that it really followed, by which a run that goes on says what is different now.
package struct RunRecipe {
  /// The settings by their names.
  package let settings: JSONValue

  /// The recipe of a text, YAML or JSON; nil where it is none.
  package init?(_ text: String) {
    guard let node = try? YAMLFile.document(text, path: "the recipe") else { return nil }
    settings = JSONValue(node)
    if settings.objectValue == nil { return nil }
  }

  /// The recipe that a run wrote into its folder; nil where there is none, or it cannot be read.
  ///
  /// - Parameters:
  ///   - folder: The run folder.
  ///   - name: The file.
  package init?(in folder: URL, named name: String) {
    let path = folder.appending(path: name).path
    guard let text = try? YAMLFile.text(path, expected: "a recipe") else { return nil }
    self.init(text)
  }

  /// The settings that differ from an older recipe's, a line each, such as `temperature: 8 before, 2 now`.
  ///
  /// The folder that a run writes is none of them.
  package func differences(from older: RunRecipe) -> [String] {
    settings.differences(from: older.settings, ignoring: ["output", "overwrite_output_dir"])
  }
}

/// Differences of a run that goes on from the run that it continues, setting by setting.
public struct ContinuedSettings: Sendable, Equatable {
  /// The recipe of the run so far; nil where there is none to compare.
  public let recipe: String?
  /// The settings that differ, a line each; none where nothing does.
  public let differences: [String]

  /// The differences of a new run's recipe from that of the folder which a checkpoint lies in.
  ///
  /// - Parameters:
  ///   - text: The recipe of the new run.
  ///   - name: The name of recipes.
  ///   - point: Where the new run goes on from.
  ///   - folder: The folder of the new run.
  init(of text: String, named name: String, resuming point: ResumePoint?, in folder: URL) {
    var places: [URL] = []
    switch point?.place {
    case nil: break
    case .newest, .newestIfAny: places = [folder]
    case .checkpoint(let url):
      // A checkpoint of the first of two stages lies a folder deeper.
      let run = url.absoluteURL.standardizedFileURL.deletingLastPathComponent()
      places = [run, run.deletingLastPathComponent()]
    }
    for place in places {
      guard let older = RunRecipe(in: place, named: name) else { continue }
      recipe = place.appending(path: name).relativePath
      differences = RunRecipe(text)?.differences(from: older) ?? []
      return
    }
    (recipe, differences) = (nil, [])
  }

  /// Says which settings differ.
  package func announce(to listener: some WorkListener) {
    guard let recipe, !differences.isEmpty else { return }
    listener.note("going on with other settings than those of \(recipe):")
    for line in differences { listener.note("  \(line)") }
  }
}
