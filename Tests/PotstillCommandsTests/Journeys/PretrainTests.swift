import Foundation
import ModelFormats
import TestSupport
import Testing

/// `potstill vocab` and `potstill pretrain`, from text to a model that `potstill train` goes on with.
@Suite struct PretrainTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    let lines = TinyWorld.plainLines
    try write("text.txt", lines.joined(separator: "\n") + "\n")
    try write("held.txt", lines.prefix(20).joined(separator: "\n") + "\n")
  }

  private func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: world.path(name)))
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: world.path(name))) }

  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: world.path(name)) }

  private func vocab(_ more: String...) -> ToolRun {
    potstill(
      ["vocab", "--input", world.path("text.txt"), "--output", world.path("words"), "--json"] + more)
  }

  private func pretrain(_ output: String, _ more: [String]) -> ToolRun {
    potstill(["pretrain", "--output", world.path(output), "--max_seq_length", "16", "--json"] + more)
  }

  /// Commands for tasks with answers say where a task of plain text belongs.
  @Test(arguments: ["train", "evaluate", "distill", "compare"])
  func otherCommandsPointHere(command: String) throws {
    try write("plain.yaml", "name: plain\nkind: masked_lm\ntrain_file: text.txt\n")
    var arguments = [command, "--task", world.path("plain.yaml"), "--data", world.folder.path]
    switch command {
    case "distill": arguments += ["--teacher", world.path("base"), "--student", "T1"]
    case "compare": arguments += [world.path("base"), world.path("base")]
    default: arguments += ["--model", world.path("base")]
    }
    if command != "evaluate", command != "compare" { arguments += ["--output", world.path("run")] }
    let run = potstill(arguments)
    #expect(run.code == 1 && run.messages.contains("'potstill pretrain --task"), "\(run.messages)")
    #expect(!exists("run"))
  }

  // MARK: vocab

  @Test func aVocabularyIsLearntFromText() throws {
    let run = vocab(
      "--vocab-size", "100", "--special-tokens", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[E1]")
    try #require(run.code == 0, "\(run.messages)")
    let results = try JSONValue(parsing: run.output)
    #expect(results["vocab_size"] == 100 && results["lines"] == 120)
    let tokens = try world.text("words/vocab.txt").split(separator: "\n").map(String.init)
    #expect(tokens.prefix(7) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[E1]", "."])
    #expect(tokens.contains("the") && tokens.contains("北") && !tokens.contains("北京"))
    let text = potstill(["tokenize", "--model", world.path("words"), "--json", "The tea[E1] 北京"])
    #expect(
      try JSONValue(parsing: text.output)["tokens"]
        == ["[CLS]", "the", "tea", "[E1]", "北", "京", "[SEP]"])
    // The same text gives the same files.
    let files = ["vocab.txt", "tokenizer.json", "tokenizer_config.json"]
    let before = try files.map { try bytes("words/" + $0) }
    #expect(vocab().code == 1)
    let again = vocab(
      "--overwrite-output-dir", "--vocab_size=100", "--special-tokens", "[PAD]", "[UNK]", "[CLS]", "[SEP]",
      "[MASK]",
      "[E1]")
    #expect(again.code == 0)
    #expect(try files.map { try bytes("words/" + $0) } == before)
  }

  @Test func capitalsAndChineseWordsStayWhenAskedFor() throws {
    #expect(vocab("--cased", "--no-chinese-chars").code == 0)
    let tokens = try world.text("words/vocab.txt").split(separator: "\n")
    #expect(tokens.contains("The") && tokens.contains("北京"))
  }

  @Test func vocabSaysWhatIsWrong() throws {
    for (more, expected) in [
      (["--vocab-size", "0"], "--vocab-size is 0"),
      (["--special-tokens", "[PAD]", "[CLS]", "[SEP]", "[MASK]"], "--special-tokens lacks [UNK]"),
      (["--limit-alphabet=-1"], "--limit-alphabet is -1"),
    ] {
      let run = potstill(
        ["vocab", "--input", world.path("text.txt"), "--output", world.path("words")] + more)
      #expect(run.code == 64 && run.messages.contains(expected), "\(run.messages)")
    }
    let missing = potstill(["vocab", "--input", world.path("none.txt"), "--output", world.path("words")])
    #expect(missing.code == 1 && missing.messages.contains("none.txt"))
    try Data([0x61, 0x0A, 0xFF, 0x0A]).write(to: URL(filePath: world.path("bad.txt")))
    let bad = potstill(["vocab", "--input", world.path("bad.txt"), "--output", world.path("words")])
    #expect(bad.code == 1 && bad.messages.contains("bad.txt:2"), "\(bad.messages)")
    #expect(!exists("words"))
    let skipped = potstill(
      ["vocab", "--input", world.path("bad.txt"), "--output", world.path("words"), "--skip-bad-rows"])
    #expect(skipped.code == 0 && skipped.messages.contains("left out, which are not UTF-8: 1"))
  }

  // MARK: pretrain

  @Test func fromTextToAFineTunedModel() throws {
    #expect(vocab("--vocab-size", "80").code == 0)
    try write(
      "shape.json",
      #"{"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64, "initializer_range": 0.1, "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0}"#
    )
    let fresh = ["--tokenizer", world.path("words"), "--config", world.path("shape.json")]
    let text = ["--input", world.path("text.txt"), "--validation-file", world.path("held.txt")]
    let run = pretrain(
      "base2",
      fresh + text + [
        "--line-by-line", "--num_train_epochs", "15", "--lr", "3e-3", "--per_device_train_batch_size", "8",
      ])
    try #require(run.code == 0, "\(run.messages)")
    let results = try JSONValue(parsing: run.output)
    for key in ["eval_loss", "eval_accuracy", "eval_perplexity", "train_loss", "train_tokens_per_second"] {
      #expect(results[key]?.doubleValue != nil, "\(key) is missing.")
    }
    // Guessing all tokens alike would give 80, and their mere frequencies about 30.
    #expect(results["eval_perplexity"]?.doubleValue ?? 99 < 8)
    let evaluations = try world.text("base2/metrics.jsonl").split(separator: "\n")
      .compactMap { try JSONValue(parsing: String($0))["eval_loss"]?.doubleValue }
    #expect(evaluations.count == 15 && evaluations[0] > evaluations[14])
    let config = try JSONValue(parsing: world.text("base2/config.json"))
    #expect(config["architectures"] == ["BertForMaskedLM"] && config["vocab_size"] == 80)
    // Its own recipe gives the same model.
    let again = potstill(
      ["pretrain", world.path("base2/recipe.yaml"), "--output", world.path("again"), "--quiet"])
    #expect(again.code == 0, "\(again.messages)")
    #expect(try bytes("again/model.safetensors") == bytes("base2/model.safetensors"))
    // The encoder of a classifier, and the start of a run on other text.
    let tuned = potstill([
      "train", "--model", world.path("base2"), "--task", world.path("tiny.yaml"), "--data",
      world.path("data"),
      "--output", world.path("tuned"), "--json",
    ])
    try #require(tuned.code == 0, "\(tuned.messages)")
    #expect(try JSONValue(parsing: tuned.output)["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
    let more = pretrain(
      "more", ["--model", world.path("base2"), "--max_steps", "2", "--line-by-line"] + text)
    #expect(more.code == 0 && !more.messages.contains("fresh"), "\(more.messages)")
    let started = try JSONValue(parsing: more.output)["eval_loss"]?.doubleValue ?? 9
    #expect(started < evaluations[0])
  }

  @Test func aResumedRunEqualsTheUninterruptedOne() throws {
    let run = [
      "--model", world.path("base"), "--input", world.path("text.txt"), "--validation_file",
      world.path("held.txt"),
      "--max_steps", "14", "--save_strategy", "steps", "--save_steps", "4", "--eval_strategy", "steps",
      "--eval_steps", "5", "--per_device_train_batch_size", "8", "--save_total_limit", "9",
    ]
    let whole = pretrain("whole", run)
    try #require(whole.code == 0, "\(whole.messages)")
    #expect(whole.messages.contains("fresh") && !whole.messages.contains("tokenized before"))
    // In another folder, as if the first had been killed after step 8; twice, the tokens are there already.
    let checkpoint = ["--resume_from_checkpoint", world.path("whole/checkpoint-8"), "--overwrite-output-dir"]
    let resumed = pretrain("resumed", run + checkpoint)
    try #require(resumed.code == 0, "\(resumed.messages)")
    #expect(try bytes("resumed/model.safetensors") == bytes("whole/model.safetensors"))
    let twice = pretrain("resumed", run + checkpoint)
    #expect(twice.messages.contains("tokenized before"), "\(twice.messages)")
    #expect(try bytes("resumed/model.safetensors") == bytes("whole/model.safetensors"))
    #expect(try bytes("resumed/train.tokens").count == bytes("whole/train.tokens").count)
  }

  @Test func aTaskOfKindMaskedLM() throws {
    try write(
      "lm.yaml",
      """
      name: lm
      kind: masked_lm
      train_file: text.txt
      validation_file: held.txt
      max_seq_length: 12
      mlm_probability: 0.3
      whole_word_mask: true
      word_list_file: words.txt
      line_by_line: true
      metrics: [accuracy]
      defaults: {learning_rate: 1.0e-3, num_train_epochs: 2}

      """)
    try write("words.txt", "北京\n")
    let run = potstill([
      "pretrain", "--task", world.path("lm.yaml"), "--data", world.folder.path, "--model", world.path("base"),
      "--output", world.path("out"), "--json",
    ])
    try #require(run.code == 0, "\(run.messages)")
    let recipe = try world.text("out/recipe.yaml")
    for line in [
      "mlm_probability: 0.3", "whole_word_mask: true", "line_by_line: true", "max_seq_length: 12",
      "learning_rate: 0.001", "metric_for_best_model: accuracy",
    ] { #expect(recipe.contains(line + "\n"), "\(line) is missing from\n\(recipe)") }
    #expect(recipe.contains("/words.txt\n"))
    #expect(run.messages.contains("120 sequences"))
    let wrong = potstill([
      "pretrain", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--model",
      world.path("base"),
      "--output", world.path("none"),
    ])
    #expect(wrong.code == 1 && wrong.messages.contains("masked_lm"), "\(wrong.messages)")
    #expect(!exists("none"))
  }

  @Test func pretrainSaysWhatIsWrong() throws {
    let text = ["--input", world.path("text.txt")]
    let model = ["--model", world.path("base")]
    for (arguments, code, expected) in [
      (text, 64, "--config and --tokenizer for a fresh model"),
      (model, 64, "missing --input"),
      (text + ["--config", "T4-tiny"], 64, "missing --tokenizer"),
      (text + model + ["--config", "T4-tiny"], 64, "both given"),
      (text + model + ["--task", "x"], 64, "leave one out"),
      (
        text + ["--config", "T5-huge", "--tokenizer", world.path("base")], 1,
        "expected T3-small, T4-tiny, T12-nano"
      ),
      (
        text + ["--config", "T3", "--tokenizer", world.path("base")], 1,
        "expected T3-small, T4-tiny, T12-nano"
      ),
      (text + model + ["--mlm-probability", "1.5"], 1, "mlm_probability is 1.5"),
      (text + model + ["--word-list", "x"], 1, "whole_word_mask is false"),
      (text + model + ["--whole-word-mask", "--word-list", world.path("none")], 1, "none: cannot be read"),
      (model + ["--input", world.path("none.txt")], 1, "none.txt: cannot be read"),
      (text + model + ["--validation-file", world.path("none.txt")], 1, "none.txt: cannot be read"),
      (text + model + ["--eval-strategy", "steps"], 1, "--validation-file"),
    ] as [([String], Int32, String)] {
      let run = pretrain("out", arguments)
      #expect(run.code == code && run.messages.contains(expected), "\(arguments): \(run.messages)")
    }
    try Data("a\n".utf8 + [0xFF, 0x0A]).write(to: URL(filePath: world.path("bad.txt")))
    let bad = pretrain("out", model + ["--input", world.path("text.txt"), world.path("bad.txt")])
    #expect(bad.code == 1 && bad.messages.contains("bad.txt:2"), "\(bad.messages)")
    let left = (try? FileManager.default.contentsOfDirectory(atPath: world.path("out"))) ?? []
    #expect(left.isEmpty, "found \(left)")
  }

  // MARK: distillation

  /// DistilBERT's way: a student of the teacher's layers, on masks that both share.
  @Test func aStudentOfLayersLearnsFromItsTeacher() throws {
    try FixedThreads.run {
      let teacher = pretrain(
        "big",
        [
          "--input", world.path("text.txt"), "--model", world.path("base"), "--max-steps", "60",
          "--learning-rate",
          "5e-3",
        ])
      try #require(teacher.code == 0, "\(teacher.messages)")
      let settings = [
        "--input", world.path("text.txt"), "--validation-file", world.path("held.txt"), "--teacher",
        world.path("big"), "--student", "T1", "--num-train-epochs", "3", "--per-device-train-batch-size", "8",
        "--alpha-cos", "0.5", "--save-strategy", "steps", "--save-steps", "4", "--logging-steps", "1",
        "--save-total-limit", "20", "--no-load-best-model-at-end",
      ]
      let run = pretrain("small", settings)
      try #require(run.code == 0, "\(run.messages)")
      let results = try JSONValue(parsing: run.output)
      for key in ["eval_perplexity", "teacher_eval_perplexity", "teacher_parameters"] {
        #expect(results[key]?.doubleValue != nil, "\(key) is missing.")
      }
      let line = try JSONValue(
        parsing: String(try world.text("small/metrics.jsonl").split(separator: "\n")[0]))
      for part in [
        "unweighted_kd_loss", "kd_kl_divergence", "unweighted_hard_label_loss", "unweighted_hidden_cos_1_2",
      ] {
        #expect(line["parts"]?[part] != nil, "\(part) is missing.")
      }
      let recipe = try world.text("small/recipe.yaml")
      #expect(
        recipe.contains("alpha_ce: 5") && recipe.contains("alpha_cos: 0.5")
          && recipe.contains("temperature: 2"))
      // It goes on to the same bits.
      let before = try bytes("small/model.safetensors")
      try FileManager.default.removeItem(atPath: world.path("small/model.safetensors"))
      let resumed = pretrain(
        "small",
        settings + ["--resume-from-checkpoint", world.path("small/checkpoint-4"), "--overwrite-output-dir"])
      try #require(resumed.code == 0, "\(resumed.messages)")
      #expect(try bytes("small/model.safetensors") == before)
      // Layers instead of the triple loss, on the same road; the recipe says so.
      let matched = pretrain(
        "matched",
        [
          "--input", world.path("text.txt"), "--teacher", world.path("big"), "--student", "last:1", "--match",
          "minilmv2", "--match", "copied", "--alpha-ce", "0", "--alpha-mlm", "0", "--alpha-cos", "0",
          "--max-steps", "2", "--logging-steps", "1",
        ])
      try #require(matched.code == 0, "\(matched.messages)")
      let first = try world.text("matched/metrics.jsonl")
      #expect(first.contains("minilmv2") && first.contains("unweighted_hidden_hidden_mse_1_2"), "\(first)")
      let again = pretrain("matched-again", [world.path("matched/recipe.yaml")])
      try #require(again.code == 0, "\(again.messages)")
      #expect(try bytes("matched/model.safetensors") == bytes("matched-again/model.safetensors"))
      let unknown = pretrain("no", settings + ["--match", "minilmv3"])
      #expect(unknown.code == 1 && unknown.messages.contains("minilmv2"), "\(unknown.messages)")
      // All tokens' logits, and a student of another width.
      let fresh = pretrain(
        "narrow",
        [
          "--input", world.path("text.txt"), "--teacher", world.path("big"), "--config", "T12-nano",
          "--max-steps",
          "1", "--no-restrict-ce-to-mask",
        ])
      #expect(fresh.code == 0, "\(fresh.messages)")
    }
  }

  /// An encoder without a head for hidden words teaches its layers, as MiniLM's teachers do.
  @Test func anEncoderWithoutAHeadTeachesItsLayers() throws {
    let run = pretrain(
      "layers",
      [
        "--input", world.path("text.txt"), "--validation-file", world.path("held.txt"), "--teacher",
        world.path("base"), "--student", "T1", "--match", "minilmv2", "--match", "uniform", "--alpha-ce", "0",
        "--max-steps", "20", "--learning-rate", "5e-3", "--logging-steps", "1",
      ])
    try #require(run.code == 0, "\(run.messages)")
    let lines = try world.text("layers/metrics.jsonl").split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
    let losses = lines.compactMap { $0["parts"]?["unweighted_self_attention_minilmv2_-1_-1"]?.doubleValue }
    let (first, last) = (try #require(losses.first), try #require(losses.last))
    #expect(losses.count >= 20 && last < 0.7 * first, "\(first) to \(last)")
    let parts = try #require(lines.first?["parts"]?.objectValue)
    #expect(parts["unweighted_kd_loss"] == nil && parts["unweighted_hard_label_loss"] != nil)
    // Words that it cannot guess are no score to compare with.
    let results = try JSONValue(parsing: run.output)
    #expect(results["eval_perplexity"] != nil && results["teacher_eval_perplexity"] == nil)
  }

  @Test func aTeacherMustKnowHiddenWords() {
    let text = ["--input", world.path("text.txt")]
    let headless = pretrain("x", text + ["--teacher", world.path("base"), "--student", "T1"])
    #expect(
      headless.code == 1 && headless.messages.contains("has no head for masked words")
        && headless.messages.contains("--alpha-ce 0"), "\(headless.messages)"
    )
    let idle = pretrain("x", text + ["--model", world.path("base"), "--alpha-ce", "1"])
    #expect(idle.code == 64 && idle.messages.contains("no --teacher"), "\(idle.messages)")
    let none = pretrain("x", text + ["--teacher", world.path("base")])
    #expect(none.code == 64 && none.messages.contains("--student"), "\(none.messages)")
    #expect(!exists("x"))
  }
}
