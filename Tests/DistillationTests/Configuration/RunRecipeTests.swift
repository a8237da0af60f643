import Distillation
import Foundation
import ModelFormats
import Tasks
import TestSupport
import Testing
import Training

/// Settings that a run which goes on has otherwise than before.
@Suite("Recipes of runs") struct RunRecipeTests {
  private func recipe(_ settings: JSONObject) throws -> RunRecipe {
    var lines = ""
    for (key, value) in settings where !value.isNull { lines += "\(key): \(value.yamlScalar)\n" }
    return try #require(RunRecipe(lines))
  }

  /// Values of many kinds, of which each setting takes one that is not its default.
  private static let candidates: [JSONValue] = [
    true, false, 3, 0.25, "1", "a=2", "sgd", "cosine", "no", "steps", "epoch", "mse", "linear_decay",
    "textbrewer",
    "balanced", "tensorboard", "float16", ["num_cycles": 2], ["flsw", 1, 2], ["alpha": 2], ["uniform"],
    "skip",
  ]

  /// The settings with one of them changed, key by key.
  private func changes<Root>(
    of settings: Settings<Root>, _ usual: Root, read: (JSONObject) -> Root?
  ) -> [(key: String, recipe: JSONObject)] {
    let before = settings.json(of: usual)
    var changes: [(key: String, recipe: JSONObject)] = []
    for key in settings.keys {
      for value in Self.candidates {
        var object = JSONObject()
        object[key] = value
        guard let root = read(object) else { continue }
        let now = settings.json(of: root)
        if JSONValue.object(now).compactText == JSONValue.object(before).compactText { continue }
        changes.append((key, now))
        break
      }
    }
    return changes
  }

  private func expectEachIsSaid<Root>(
    _ settings: Settings<Root>, _ usual: Root, read: (JSONObject) -> Root?
  ) throws {
    let changes = changes(of: settings, usual, read: read)
    #expect(
      changes.map(\.key) == settings.keys, "give the others a value that they take in the candidates above")
    let before = try recipe(settings.json(of: usual))
    for (key, now) in changes {
      let lines = try recipe(now).differences(from: before)
      #expect(lines.count == 1 && lines[0].hasPrefix("\(key)"), "\(key): \(lines)")
      #expect(
        lines.first?.hasSuffix(" now") == true && lines.first?.contains(" before, ") == true, "\(lines)")
    }
  }

  @Test("every setting of training is said when it differs")
  func training() throws {
    try expectEachIsSaid(TrainingConfig.settings, TrainingConfig()) { try? TrainingConfig(json: .object($0)) }
  }

  @Test("every setting of a distillation is said when it differs")
  func distillation() throws {
    try expectEachIsSaid(DistillationConfig.settings, DistillationConfig()) { object in
      let config = DistillationConfig(json: .object(object))
      return config.readingFaults.isEmpty ? config : nil
    }
  }

  @Test("values are shown as people write them, and the run folder is no setting")
  func words() throws {
    let old = try #require(RunRecipe("temperature: 8\nmatch: uniform\noutput: a\n"))
    let new = try #require(RunRecipe("temperature: 2\nmax_train_samples: 320\noutput: b\n"))
    #expect(
      new.differences(from: old) == [
        "temperature: 8 before, 2 now", "match: uniform before, not set now",
        "max_train_samples: not set before, 320 now",
      ])
    #expect(new.differences(from: new).isEmpty)
    #expect(RunRecipe("- a list\n") == nil && RunRecipe("a: [1\n") == nil)
  }
}
