import Foundation
import ModelFormats
import Testing

/// Several labels a text, from the recipe to files that other tools read.
@Suite struct MultiLabelJourneyTests {
  let world: TinyWorld
  let task: [String]
  /// The texts of the validation file.
  let held: [String]

  init() throws {
    world = try TinyWorld()
    let words = TinyWorld.goodWords + TinyWorld.badWords
    var (training, validation): ([String], [String]) = ([], [])
    for (place, thing) in TinyWorld.things.enumerated() {
      let food = ["soup", "tea"].contains(thing) ? ["food"] : []
      for (index, word) in words.enumerated() {
        let topics = [index < TinyWorld.goodWords.count ? "1" : "0"] + food
        let row = "the \(thing) was \(word) .\t" + topics.joined(separator: ",")
        if (index + place) % 5 == 3 { validation.append(row) } else { training.append(row) }
      }
      // Nothing is said of the thing, so a set may be empty.
      let row = "the \(thing) was very .\t" + food.joined(separator: ",")
      if ["film", "tea"].contains(thing) { validation.append(row) } else { training.append(row) }
    }
    for (name, rows) in [("topics.tsv", training), ("topics-dev.tsv", validation)] {
      let text = (["text\ttopics"] + rows).joined(separator: "\n") + "\n"
      try Data(text.utf8).write(to: world.folder.appending(path: "data/" + name))
    }
    held = validation.map { String($0.prefix { $0 != "\t" }) }
    let recipe = """
      name: topics
      kind: multi_label
      train_file: topics.tsv
      validation_file: topics-dev.tsv
      text_column: text
      label_column: topics
      labels: [positive, negative, food]
      label_values: {"1": positive, "0": negative}
      metrics: [f1_micro, f1_macro, accuracy]
      max_seq_length: 24
      defaults: {learning_rate: 5.0e-3, num_train_epochs: 60, per_device_train_batch_size: 8}

      """
    try Data(recipe.utf8).write(to: world.folder.appending(path: "topics.yaml"))
    task = ["--task", world.path("topics.yaml"), "--data", world.path("data")]
  }

  @Test func trainEvaluateScorePredict() throws {
    let model = world.path("model")
    let trained = potstill(
      ["train", "--model", world.path("base"), "--output", model, "--seed", "3", "--json"] + task)
    try #require(trained.code == 0, "\(trained.messages)")
    let results = try JSONValue(parsing: trained.output)
    #expect(results["eval_f1_micro"]?.doubleValue ?? 0 >= 0.8, "\(trained.output)")

    let evaluated = potstill(
      ["evaluate", "--model", model, "--output", world.path("answers"), "--json"] + task)
    try #require(evaluated.code == 0, "\(evaluated.messages)")
    let scores = try JSONValue(parsing: evaluated.output)
    let scored = potstill(
      [
        "score", "--multi-label", "--labels", "1,0,food", "--label-column", "topics", "--json", "--metric",
        "f1_micro", "--metric", "f1_macro", "--metric", "accuracy", world.path("answers/predictions.tsv"),
        world.path("data/topics-dev.tsv"),
      ])
    try #require(scored.code == 0, "\(scored.messages)")
    let found = try JSONValue(parsing: scored.output)
    for name in ["f1_micro", "f1_macro", "accuracy"] {
      try #require(found[name]?.doubleValue != nil)
      #expect(found[name]?.doubleValue == scores["eval_" + name]?.doubleValue, "\(name)")
      #expect(scores["eval_" + name] == results["eval_" + name], "\(name)")
    }

    // Predict says the same of the same texts, by the labels' names.
    let table = try world.text("answers/predictions.tsv").split(separator: "\n").dropFirst().map { line in
      line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0) }
    }
    #expect(table.map { $0[0] } == held.indices.map { String($0) })
    let predicted = potstill(["predict", "--model", model, "--json"], input: held)
    let sets = try predicted.output.split(separator: "\n").map { line in
      try #require(JSONValue(parsing: String(line))["labels"]?.arrayValue).compactMap(\.stringValue)
    }
    let rawValues = ["positive": "1", "negative": "0"]
    #expect(
      sets.map { set in set.map { rawValues[$0] ?? $0 }.joined(separator: ",") } == table.map { $0[1] },
      "\(predicted.messages)")
    let plain = potstill(["predict", "--model", model, "the tea was good ."])
    #expect(plain.output == "positive,food\tthe tea was good .\n", "\(plain.messages)")
  }
}
