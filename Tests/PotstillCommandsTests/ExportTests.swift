import Foundation
import Testing

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
    #expect(run.code == 64 && run.messages.contains("format: --onnx"), "\(run.messages)")
    #expect(!FileManager.default.fileExists(atPath: world.path("out")))
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
