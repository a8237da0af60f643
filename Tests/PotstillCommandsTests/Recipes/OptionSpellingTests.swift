import ModelFormats
import PotstillCommands
import Testing

@Suite struct OptionSpellingTests {
  @Test func underscoresAndAliasesBecomeOurNames() {
    let (arguments, ignored) = OptionSpelling.translate([
      "train", "--model_name_or_path", "my_model", "--learning_rate=5e-5", "--output_dir=a_b=c_d",
      "--do_train", "--device", "cuda", "--fp16",
      "--epochs", "3", "--", "--kept_as_it_is",
    ])
    #expect(
      arguments == [
        "train", "--model", "my_model", "--learning-rate=5e-5", "--output=a_b=c_d", "--num-train-epochs", "3",
        "--", "--kept_as_it_is",
      ])
    #expect(ignored.count == 3 && ignored[0].hasPrefix("--do_train ") && ignored[1].contains("processor"))
  }

  @Test func aMisspeltNameFindsItsNeighbour() {
    #expect(suggestion(for: "learning_rat", among: ["seed", "learning_rate"]) == "learning_rate")
    #expect(suggestion(for: "qqq", among: ["seed", "learning_rate"]) == nil)
  }
}
