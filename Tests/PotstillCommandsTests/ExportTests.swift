import Encoders
import Foundation
import Tensors
import Testing
import Tokenization

/// Command `potstill export`; what it writes is tested where it is made.
@Suite struct ExportTests {
  private let world: TinyWorld
  init() throws { world = try TinyWorld() }

  private func export(_ arguments: String...) -> ToolRun { potstill(["export"] + arguments) }

  @Test func aFolderIsExportedAndItsFilesAreSaid() throws {
    let run = export(world.path("base"), "--onnx", "--output", world.path("out"))
    #expect(run.code == 0 && run.messages.isEmpty, "\(run.messages)")
    let files = run.output.split(separator: "\n").map(String.init)
    #expect(files.count == 5 && files.contains(world.path("out/onnx/model.onnx")), "\(run.output)")
    for file in files { #expect(FileManager.default.fileExists(atPath: file), "\(file)") }
    let again = export(world.path("base"), "--onnx", "--output", world.path("out"))
    #expect(again.code == 1 && again.messages.contains("--overwrite-output-dir"), "\(again.messages)")
    let over = export(
      world.path("base"), "--onnx", "--output", world.path("out"), "--overwrite-output-dir")
    #expect(over.code == 0 && over.output == run.output)
  }

  @Test func withoutAFormatItSaysWhichThereAre() throws {
    let run = export(world.path("base"), "--output", world.path("out"))
    #expect(run.code == 64 && run.messages.contains("format: --onnx, --transformers"), "\(run.messages)")
    #expect(!FileManager.default.fileExists(atPath: world.path("out")))
  }

  @Test func aSmallerModelIsWrittenInTheFormOfTransformers() throws {
    let made = potstill([
      "compress", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--model",
      world.path("base"), "--methods", "heads=1,low_rank=50%,int8", "--distill", "none", "--keep-models",
      "--max-drop", "1", "--output", world.path("smaller"),
    ])
    try #require(made.code == 0, "\(made.messages)")
    let source = world.path("smaller/2-low_rank-int8")
    let run = export(source, "--transformers", "--output", world.path("out"))
    #expect(run.code == 0 && run.messages.isEmpty, "\(run.messages)")
    let before = try TaskModel(directory: URL(filePath: source))
    let after = try TaskModel(directory: URL(filePath: world.path("out")))
    #expect(before.config.reasonAgainstTransformers != nil && before.isQuantized)
    #expect(after.config.reasonAgainstTransformers == nil && !after.isQuantized)
    #expect(after.config.headCounts == [2, 2] && after.parameterCount > before.parameterCount)
    let batch = TokenBatch(sequences: [([2, 5, 6, 7, 3], [0, 0, 0, 0, 0]), ([2, 9, 3], [0, 0, 0])])
    let logits = [try before.dequantized(), after].map { $0(batch, in: .inference).logits.values }
    // Two float32 orders of one sum, two layers deep.
    for (found, expected) in zip(logits[1], logits[0]) { #expect(abs(found - expected) < 1e-5) }
    let both = export(world.path("base"), "--onnx", "--transformers", "--output", world.path("both"))
    #expect(both.code == 64, "\(both.messages)")
    let integers = export(
      world.path("base"), "--transformers", "--precision", "int8", "--output", world.path("integers"))
    #expect(integers.code == 1 && integers.messages.contains("leave --precision out"), "\(integers.messages)")
  }

  @Test func whatIsNoModelIsRefusedAndNothingIsMade() throws {
    try FileManager.default.removeItem(atPath: world.path("base/model.safetensors"))
    for model in [world.path("nowhere"), world.path("data"), world.path("base")] {
      let run = export(model, "--onnx", "--output", world.path("out"))
      #expect(run.code == 1 && run.messages.contains(model), "\(run.messages)")
      #expect(!FileManager.default.fileExists(atPath: world.path("out")))
    }
  }
}
