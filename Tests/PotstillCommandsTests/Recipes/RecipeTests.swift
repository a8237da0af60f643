import PotstillCommands
import Testing

@Suite struct RecipeTests {
  private func arguments(_ text: String, _ command: String = "train", own: [String] = []) throws -> [String] {
    try RecipeFile(path: "r.yaml", text: text).arguments(for: command, overriddenBy: own)
  }

  private func faults(_ text: String, _ command: String = "train") -> [String] {
    do {
      _ = try arguments(text, command)
      return []
    } catch {
      return (error as? RecipeError)?.faults ?? ["\(error)"]
    }
  }

  @Test func keysBecomeOptionsAndSectionsCarryNoMeaning() throws {
    let recipe = """
      task_name: sst2
      model_name_or_path: "my model"
      training:
        learning_rate: 5e-5   # as written
        do_train: true
        group_by_length: no
        skip_bad_rows: false
        max_steps:
      """
    let found = try arguments(recipe)
    #expect(found == ["--task=sst2", "--model=my model", "--learning-rate=5e-5", "--no-group-by-length"])
  }

  @Test func jsonIsReadToo() throws {
    #expect(
      try arguments(#"{"task": "sst2", "training": {"seed": 7}}"#) == ["--task=sst2", "--seed=7"])
  }

  @Test func flagsComeLastAndReplaceLists() throws {
    let recipe = "temperature: 8\nmatch: [L3_hidden_mse, uniform]\n"
    #expect(
      try arguments(recipe, "distill") == ["--temperature=8", "--match=L3_hidden_mse", "--match=uniform"])
    #expect(
      try arguments(recipe, "distill", own: ["--match", "last", "--temperature", "2"])
        == ["--temperature=8", "--match", "last", "--temperature", "2"])
  }

  @Test func structuresReachTheirOptionAsJSON() throws {
    let recipe = """
      temperature_scheduler: [flsw, 1, 2]
      intermediate_matches:
        - {layer_T: 6, layer_S: 3, loss: hidden_mse, weight: 1, proj: [linear, 312, 768]}
      """
    #expect(
      try arguments(recipe, "distill") == [
        #"--temperature-scheduler=["flsw", 1, 2]"#,
        #"--match=[{"layer_T": 6, "layer_S": 3, "loss": "hidden_mse", "weight": 1, "proj": ["linear", 312, 768]}]"#,
      ])
  }

  /// TextBrewer's `TrainingConfig`; what has no meaning here is said, with its place.
  @Test func aTrainingConfigOfTextBrewerReads() throws {
    let text = """
      {"gradient_accumulation_steps": 2, "ckpt_frequency": 1, "ckpt_epoch_frequency": 1, "ckpt_steps": 500,
       "log_dir": null, "output_dir": "./saved_models", "device": "cuda", "fp16": false, "fp16_opt_level": "O1",
       "data_parallel": false, "local_rank": -1}
      """
    let recipe = try RecipeFile(path: "train.json", text: text)
    #expect(
      try recipe.arguments(for: "distill", overriddenBy: []) == [
        "--gradient-accumulation-steps=2", "--save-steps=500", "--output=./saved_models",
      ])
    let device = "train.json:2: device changes nothing here: everything runs on the processor"
    #expect(recipe.idleOptions.contains(device))
    #expect(recipe.idleOptions.contains { $0.contains("ckpt_frequency") && $0.contains("--save-strategy") })
  }

  @Test func everyFaultHasItsLine() {
    let recipe = """
      task: sst2
      learning_rat: 3
      training:
        num_train_epochs: many
        group_by_length: perhaps
        lr_scheduler_type: linar
        temperature: 3
      """
    let found = faults(recipe)
    #expect(found.count == 5)
    #expect(found[0] == "r.yaml:2: unknown key learning_rat; did you mean learning_rate?")
    #expect(found[1].hasPrefix("r.yaml:4: The value 'many' is invalid for '--num-train-epochs"))
    #expect(found[2] == "r.yaml:5: group_by_length takes true or false, found \"perhaps\"")
    #expect(found[3].hasPrefix("r.yaml:6: The value 'linar' is invalid for '--lr-scheduler-type"))
    #expect(found[4] == "r.yaml:7: unknown key temperature; 'potstill train --help' lists the options")
  }

  @Test func brokenFilesAreRefusedWithTheirLine() {
    #expect(faults("seed: 1\nseed: 2\n").count == 1)
    #expect(faults("lr: 1\nlearning_rate: 2\n")[0].hasPrefix("r.yaml:2: learning_rate is given again"))
    #expect(faults("- a\n- b\n")[0].hasPrefix("r.yaml:1: found no options"))
    #expect(faults("a: [1, 2\nb: 3\n")[0].hasPrefix("r.yaml:"))
    #expect(faults("").isEmpty)
    let missing = potstill(["train", "/no/such/recipe.yaml"])
    #expect(missing.code == 1)
    #expect(missing.messages.hasPrefix("potstill: error: /no/such/recipe.yaml: no such file"))
  }

  @Test(arguments: ["train", "distill", "pretrain"])
  func everyKeyOfARecipeIsAnOption(_ command: String) {
    let keys = OptionCatalogue(of: command).recipeKeys
    #expect(keys.contains("learning_rate") && keys.contains("output") && keys.contains("threads"))
    #expect(!keys.contains("help"))
    #expect(Set(keys).isDisjoint(with: RecipeFile.sections.filter { $0 != "data" }))
  }

  @Test func aliasesNameOptionsThatExist() {
    let known = Set(
      ["train", "distill", "pretrain", "vocab", "evaluate", "predict"].flatMap {
        OptionCatalogue(of: $0).entries.flatMap(\.names)
      }
    )
    for (alias, name) in OptionSpelling.aliases {
      #expect(known.contains(name), "\(alias) stands for --\(name), which no command has.")
      #expect(!known.contains(alias), "\(alias) is an option of its own and never reaches its alias.")
    }
  }
}
