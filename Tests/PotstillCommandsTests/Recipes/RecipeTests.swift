import ArgumentParser
import CommandOptions
import PotstillCommands
import Testing

@Suite struct RecipeTests {
  private func arguments(_ text: String, _ command: String = "train") throws -> [String] {
    try RecipeFile(path: "r.yaml", text: text).spelled(for: command)
  }

  /// The options of `potstill distill` with a recipe and a command line.
  private func distill(_ text: String, own: [String] = []) throws -> DistillCommand {
    try RecipeFile(path: "r.yaml", text: text).filling(try DistillCommand.parse(own), of: "distill")
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
    let train = try RecipeFile(path: "r.yaml", text: recipe).filling(try TrainCommand.parse([]), of: "train")
    #expect(train.task.task == "sst2" && train.start.model == "my model")
    #expect(train.training.learningRate == 5e-5)
    #expect(
      train.training.groupByLength == false && !train.task.skipBadRows && train.training.maxSteps == nil)
  }

  @Test func jsonIsReadToo() throws {
    #expect(
      try arguments(#"{"task": "sst2", "training": {"seed": 7}}"#) == ["--task=sst2", "--seed=7"])
  }

  @Test func theCommandLineWinsAndReplacesLists() throws {
    let recipe = "temperature: 8\nmatch: [L3_hidden_mse, uniform]\n"
    #expect(
      try arguments(recipe, "distill") == ["--temperature=8", "--match=L3_hidden_mse", "--match=uniform"])
    let whole = try distill(recipe)
    #expect(whole.distillation.temperature == 8)
    #expect(whole.distillation.match == ["L3_hidden_mse", "uniform"].map(JSONArgument.init(argument:)))
    let own = try distill(recipe, own: ["--match", "last", "--temperature", "2"])
    #expect(own.distillation.temperature == 2)
    #expect(own.distillation.match == [JSONArgument(argument: "last")])
    let flags = "probability_shift: true\nno_logit_standardization: true\nbaseline: yes\n"
    let off = try distill(flags, own: ["--no-probability-shift"])
    #expect(off.distillation.probabilityShift == false && off.distillation.logitStandardization == false)
    #expect(off.comparison.baseline && !off.plan.dryRun)
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
      try recipe.spelled(for: "distill") == [
        "--gradient-accumulation-steps=2", "--save-steps=500", "--output=./saved_models",
      ])
    let device = "train.json:2: device changes nothing here: everything runs on the processor"
    #expect(recipe.ignoredOptions.contains(device))
    #expect(
      recipe.ignoredOptions.contains { $0.contains("ckpt_frequency") && $0.contains("--save-strategy") })
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

  @Test func everyOptionIsFoundByItsKey() throws {
    let commands: [any RecipeCommand.Type] = [
      TrainCommand.self, DistillCommand.self, MultitaskCommand.self, PretrainCommand.self,
      AugmentCommand.self,
    ]
    for command in commands {
      let name = try #require(command.configuration.commandName)
      #expect(Set(OptionCatalogue(of: name).recipeKeys) == Set(try command.parse([]).recipeKeys), "\(name)")
    }
  }

  @Test func aValueIsCheckedByItsOption() {
    #expect(
      faults("max_seq_length: 2") == [
        "r.yaml:1: --max-seq-length is 2; expected at least 3, which is one token of text."
      ])
    #expect(faults("output: \"\"\n") == ["r.yaml:1: Missing value for '--output <folder>'"])
    #expect(
      faults("optim: adam") == [
        "r.yaml:1: The value 'adam' is invalid for '--optim <optim>'. Please provide one of 'adamw_torch', 'sgd', 'lamb' or 'adafactor'."
      ])
    let both = potstill(["augment", "--count", "1", "--copies", "1"])
    #expect(both.code == 64 && both.messages.contains("are both given"))
    #expect(throws: ValidationError.self) {
      try distill("augment: standard\naugment_count: 1\n", own: ["--augment-copies", "1"])
    }
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
