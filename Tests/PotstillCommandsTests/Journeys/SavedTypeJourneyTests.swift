import Encoders
import Foundation
import ModelFormats
import TestSupport
import Testing

/// `--save-dtype`: from an option to the file, the tables and the card.
@Suite struct SavedTypeJourneyTests {
  let world: TinyWorld
  let data: [String]

  init() throws {
    world = try TinyWorld(hidden: 64, dropout: 0.1)
    data = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  private func dtypes(_ folder: String) throws -> Set<DType> {
    Set(try SafetensorsFile(path: world.path(folder + "/model.safetensors")).tensors.map(\.dtype))
  }

  @Test func studentIsSavedInHalfOfTheBytes() throws {
    let trained = potstill(
      ["train", "--model", world.path("base"), "--output", world.path("teacher"), "--max-steps", "8"] + data)
    try #require(trained.code == 0, "\(trained.messages)")
    #expect(try dtypes("teacher") == [.float32])
    let run = potstill(
      [
        "distill", "--teacher", world.path("teacher"), "--student", "T1", "--output", world.path("student"),
        "--max-steps", "8", "--save-strategy", "steps", "--save-steps", "4", "--save-dtype", "fp16", "--json",
      ] + data)
    try #require(run.code == 0, "\(run.messages)")
    #expect(try dtypes("student") == [.float16])
    #expect(try dtypes("student/checkpoint-4") == [.float32], "what a run resumes from keeps all bits")
    #expect(try world.text("student/recipe.yaml").contains("save_dtype: float16"))

    // Scores are those of the folder.
    let scored = potstill(["evaluate", "--model", world.path("student"), "--json"] + data)
    let results = try JSONValue(contentsOf: URL(filePath: world.path("student/all_results.json")))
    let loss = try #require(results["eval_loss"]?.doubleValue)
    #expect(try JSONValue(parsing: scored.output)["eval_loss"]?.doubleValue == loss)

    let student = try TaskModel(directory: URL(filePath: world.path("student")))
    let mb = (Double(2 * student.parameterCount) / 1_048_576 * 100).rounded() / 100
    let compared = potstill(
      ["compare", world.path("teacher"), world.path("student"), "--json"] + data)
    let row = try compared.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    #expect(row.last?["mb"]?.doubleValue == mb, "\(compared.output)")
    #expect(try world.text("student/README.md").contains("MB in float16"))
    let shown = potstill(["inspect", world.path("student")])
    #expect(shown.output.contains("MB on disk in float16"), "\(shown.output)")
  }

  /// A run of several stops and starts, in the recipe's spelling.
  @Test func resumedRunSavesTheSameFile() throws {
    try FixedThreads.run {
      let command =
        ["train", "--model", world.path("base"), "--output", world.path("run"), "--save-dtype", "bf16"] + data
        + ["--max-steps", "12", "--save-strategy", "steps", "--save-steps", "4", "--save-total-limit", "9"]
      try #require(potstill(command).code == 0)
      let file = URL(filePath: world.path("run/model.safetensors"))
      let expected = try Data(contentsOf: file)
      for item in ["checkpoint-12", "model.safetensors"] {
        try FileManager.default.removeItem(atPath: world.path("run/" + item))
      }
      let resumed = potstill(command + ["--resume-from-checkpoint", "last"])
      try #require(resumed.code == 0, "\(resumed.messages)")
      #expect(try Data(contentsOf: file) == expected)
      #expect(try dtypes("run") == [.bfloat16])
    }
  }

  @Test func unknownTypeNamesTheChoices() {
    let run = potstill(
      ["train", "--model", world.path("base"), "--output", world.path("out"), "--save-dtype", "float8"] + data
    )
    #expect(run.code != 0 && run.messages.contains("float16"), "\(run.messages)")
  }
}
