import Encoders
import Foundation
import Kernels
import ModelFormats
import Tensors
import TestSupport
import Testing

/// Models that are saved in floats of 16 bits.
@Suite struct SavedTypeTests {
  @Test(arguments: [SaveDType.float16, .bfloat16])
  func folderHoldsRoundedValues(type: SaveDType) throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    let before = model.parameters.map(\.values)
    try model.save(to: folder.url, as: type)
    #expect(model.parameters.map(\.values) == before && model.saveDType == .float32)

    let file = try SafetensorsFile(path: folder.url.appending(path: "model.safetensors").path)
    #expect(file.tensors.allSatisfy { $0.dtype == type.dtype })
    let config = try JSONValue(contentsOf: folder.url.appending(path: "config.json"))
    #expect(
      config["dtype"]?.stringValue == type.rawValue && config["torch_dtype"]?.stringValue == type.rawValue)

    let again = try TaskModel(directory: folder.url)
    #expect(again.saveDType == type)
    #expect(
      again.weights
        == WeightSize(
          form: type.rawValue, fileBytes: 2 * model.parameterCount, heldBytes: 4 * model.parameterCount))
    // Two float32 engines that add in different orders, two small layers deep.
    let expected = try SafetensorsFile(path: Fixtures.url("dtypes/logits.safetensors").path).floats(
      type.rawValue)
    #expect(GoldenModel.difference(again(golden.batch, in: .inference).logits.values, expected) < 1e-5)
    let exact = try golden.golden.floats("logits")
    #expect(GoldenModel.difference(expected, exact) > 1e-5, "rounding is seen in the logits")

    // The type stays when the folder is saved once more, and rounding is done.
    let second = folder.url.appending(path: "again")
    try again.save(to: second)
    #expect(
      try Data(contentsOf: second.appending(path: "model.safetensors"))
        == Data(contentsOf: folder.url.appending(path: "model.safetensors")))
    #expect(try CheckpointReport(directory: folder.url).summary.contains(" MB on disk in \(type.rawValue)"))
  }

  @Test func roundedModelIsTheSavedOne() throws {
    let folder = try TemporaryFolder()
    let model = try TaskModel(directory: GoldenModel("classifier").directory)
    try model.choose(.float16)
    try model.save(to: folder.url)
    let again = try TaskModel(directory: folder.url)
    #expect(model.parameters.map(\.values) != again.parameters.map(\.values))
    try model.roundToSaved()
    #expect(model.parameters.map(\.values) == again.parameters.map(\.values))
  }

  @Test func valueBeyondTheRangeIsNamedBeforeAnythingIsWritten() throws {
    let folder = try TemporaryFolder()
    let model = try TaskModel(directory: GoldenModel("classifier").directory)
    let bias = try #require(model.parameters.first { $0.name == "classifier.bias" })
    bias.assign(Tensor([Float](repeating: -70000, count: bias.count)))
    let error = try #require(throws: ModelError.self) { try model.save(to: folder.url, as: .float16) }
    #expect("\(error)".contains("classifier.bias") && "\(error)".contains("70000"), "\(error)")
    #expect(!FileManager.default.fileExists(atPath: folder.url.appending(path: "model.safetensors").path))
    #expect(throws: ModelError.self) { try model.choose(.float16) }
    try model.save(to: folder.url, as: .bfloat16)
    #expect(try TaskModel(directory: folder.url).parameters.last?.values.first == -70144)
  }

  /// Integers and their scales stay as they are; what is left in floats has the type.
  @Test func integersKeepTheirScales() throws {
    let folder = try TemporaryFolder()
    let model = try TaskModel(directory: GoldenModel("classifier").directory)
    try model.choose(.float16)
    let small = try model.quantized()
    try small.save(to: folder.url)
    let file = try SafetensorsFile(path: folder.url.appending(path: "model.safetensors").path)
    let query = "bert.encoder.layer.0.attention.self.query"
    #expect(file[query + ".weight"]?.dtype == .int8 && file[query + ".weight_scale"]?.dtype == .float32)
    #expect(file[query + ".bias"]?.dtype == .float16)
    let stored = file.tensors.reduce(0) { $0 + $1.byteRange.count }
    #expect(small.weights == WeightSize(form: "int8", fileBytes: stored, heldBytes: small.byteCount))
    let again = try TaskModel(directory: folder.url)
    #expect(again.isQuantized && again.saveDType == .float16)
  }
}
