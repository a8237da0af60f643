import Encoders
import Foundation
import Kernels
import ModelFormats
import Tensors
import TestSupport
import Testing

/// Models whose matrices are 8-bit integers.
@Suite struct QuantizedModelTests {
  /// Logits of tiny random models stay within a tenth of the largest one: with 32 features, steps of 1 part in 254 in some ten
  /// products in a row do not average out as they do in a trained model.
  @Test(arguments: ["classifier", "roberta", "distilbert", "electra"])
  func answersStayClose(name: String) throws {
    guard let golden = try? GoldenModel(name) else { return }
    let model = try TaskModel(directory: golden.directory)
    let small = try model.quantized()
    #expect(small.isQuantized && !model.isQuantized)
    let (expected, found) = (
      model(golden.batch, in: .inference).logits.values, small(golden.batch, in: .inference).logits.values
    )
    let scale = expected.map(abs).max() ?? 0
    #expect(found != expected)
    #expect(GoldenModel.difference(found, expected) < 0.1 * scale)
  }

  /// Embeddings, layers and what is kept: the floats answer what the integers will, to the bit, with a tape or without one.
  @Test(arguments: ["classifier", "roberta", "distilbert", "electra"])
  func simulatedIntegersAnswerAsTheIntegersDo(name: String) throws {
    guard let golden = try? GoldenModel(name) else { return }
    for kept in [[], ["embeddings"]] {
      let model = try TaskModel(directory: golden.directory)
      let float = FixedThreads.run(1) { model(golden.batch, in: .inference).logits.values }
      try model.simulateInt8(keeping: kept)
      let integers = try model.quantized(keeping: kept)
      FixedThreads.run {
        let expected = integers(golden.batch, in: .inference).logits.values
        #expect(model(golden.batch, in: .inference).logits.values == expected && expected != float)
        #expect(model(golden.batch, in: Context(tape: Tape())).logits.values == expected)
      }
      #expect(model.simulatesInt8 && !model.isQuantized)
      model.stopSimulatingInt8()
      FixedThreads.run(1) { #expect(model(golden.batch, in: .inference).logits.values == float) }
    }
    let model = try TaskModel(directory: golden.directory)
    #expect(throws: ModelError.self) { try model.simulateInt8(keeping: ["nothing"]) }
  }

  @Test func kernelsAndThreadsGiveOneAnswer() throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory).quantized()
    let expected = FixedThreads.run(1) { model(golden.batch, in: .inference).logits.values }
    for kernel in Int8Kernel.allCases where kernel.isAvailable {
      for threads in [1, 2, 3] {
        FixedThreads.run(threads) {
          let before = Int8Kernel.current
          defer { Int8Kernel.current = before }
          Int8Kernel.current = kernel
          #expect(model(golden.batch, in: .inference).logits.values == expected, "\(kernel.name)")
        }
      }
    }
  }

  @Test func savedIntegersLoadAgain() throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    let small = try model.quantized(keeping: ["layer.1.output.dense", "position_embeddings"])
    try small.save(to: folder.url)
    let again = try TaskModel(directory: folder.url)
    #expect(again.parameters.map(\.name) == model.parameters.map(\.name))
    FixedThreads.run {
      #expect(
        again(golden.batch, in: .inference).logits.values == small(golden.batch, in: .inference).logits.values
      )
    }
    #expect(again.loadReport?.ignored == [] && again.loadReport?.fresh == [])
    #expect(again.byteCount == small.byteCount)

    let file = try SafetensorsFile(path: folder.url.appending(path: "model.safetensors").path)
    let query = "bert.encoder.layer.0.attention.self.query.weight"
    #expect(file[query]?.dtype == .int8 && file[query + "_scale"]?.shape == [file[query]?.shape[0] ?? 0])
    #expect(file["bert.encoder.layer.1.output.dense.weight"]?.dtype == .float32)
    #expect(file["classifier.weight"]?.dtype == .float32)
    let stated = try JSONValue(contentsOf: folder.url.appending(path: "config.json"))["quantization_config"]
    #expect(stated?["format"] == "potstill-int8" && stated?["quant_method"] == nil)
    #expect(
      stated?["modules_to_not_convert"]?.arrayValue?.contains("bert.encoder.layer.1.output.dense") == true)

    let report = try CheckpointReport(directory: folder.url)
    #expect(report.summary.contains("matrices in 8-bit integers (potstill-int8)"))
    #expect(report.json["parameters"]?.intValue == model.parameterCount)
    #expect(report.warning == nil)

    // Saved once more, the integers are the same; a student of it holds floats and says so.
    let second = folder.url.appending(path: "again")
    try again.save(to: second)
    #expect(
      try Data(contentsOf: second.appending(path: "model.safetensors"))
        == Data(contentsOf: folder.url.appending(path: "model.safetensors")))
    let student = try TaskModel.student(from: again, layers: [0])
    let third = folder.url.appending(path: "student")
    try student.save(to: third)
    #expect(!student.isQuantized)
    #expect(try JSONValue(contentsOf: third.appending(path: "config.json"))["quantization_config"] == nil)
    #expect(try !TaskModel(directory: third).isQuantized)
  }

  /// Where gradients pass through, the floats that the integers stand for are used, and stay as they are.
  @Test func integersAreNotTrained() throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory).quantized()
    let context = Context(tape: Tape())
    let loss = model(golden.batch, in: context).logits.sum()
    context.tape?.backward(from: loss)
    for parameter in model.parameters where parameter.quantized != nil {
      parameter.isTrainable = true
      #expect(!parameter.isTrainable && parameter.gradient == nil)
    }
    let head = try #require(model.parameters.first { $0.name == "classifier.weight" })
    #expect(head.gradient?.values.contains { $0 != 0 } == true)
    let inner = try #require(
      model.parameters.first { $0.name.hasSuffix("layer.0.attention.self.query.bias") })
    #expect(inner.gradient?.values.contains { $0 != 0 } == true)
  }

  @Test func aQuarterOfTheBytes() throws {
    let config = EncoderConfig(
      vocabularySize: 2000, hiddenSize: 96, layerCount: 2, attentionHeads: 4, intermediateSize: 384)
    let model = try TaskModel(config: config, seed: 1)
    let share = Double(try model.quantized().byteCount) / Double(model.byteCount)
    #expect(share > 0.25 && share < 0.29)
  }

  @Test func refusesWhatHasNoIntegers() throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    func message(_ body: () throws -> TaskModel) -> String {
      do { return try body().isQuantized ? "made" : "not made" } catch { return "\(error)" }
    }
    #expect(message { try model.quantized().quantized() }.contains("8-bit integers already"))
    #expect(message { try model.quantized(keeping: ["output.den"]) }.contains("\"output.den\" keeps nothing"))
    model.parameters[0].assign(Tensor(repeating: .nan, shape: model.parameters[0].shape))
    #expect(message { try model.quantized() }.contains("NaN"))
  }

  @Test func refusesDamagedIntegers() throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenModel("classifier")
    let small = try TaskModel(directory: golden.directory).quantized()
    try small.save(to: folder.url)
    func message() -> String {
      do { return try TaskModel(directory: folder.url).isQuantized ? "loaded" : "floats" } catch {
        return "\(error)"
      }
    }
    // Without the entry in config.json the integers are no weights.
    let url = folder.url.appending(path: "config.json")
    var config = try #require(try JSONValue(contentsOf: url).objectValue)
    let entry = config["quantization_config"]
    config["quantization_config"] = nil
    try JSONValue.object(config).write(to: url)
    #expect(message().contains("its dtype is I8"))
    config["quantization_config"] = ["format": "potstill-int8", "bits": 4]
    try JSONValue.object(config).write(to: url)
    #expect(message().contains("quantization_config.bits: found 4, expected 8"))
    config["quantization_config"] = entry
    try JSONValue.object(config).write(to: url)
    #expect(message() == "loaded")
    // Scales that are NaN are found as weights would be.
    var writer = SafetensorsWriter()
    for parameter in small.parameters {
      if let matrix = parameter.quantized {
        let scales =
          parameter.name.hasSuffix("key.weight")
          ? Storage([Float](repeating: .nan, count: matrix.rows)) : matrix.scales
        writer.add(
          parameter.name,
          quantized: matrix.withIntegers {
            QuantizedMatrix(integers: $0, scales: scales, rows: matrix.rows, columns: matrix.columns)
          })
      } else {
        writer.add(parameter.name, shape: parameter.shape.dimensions, values: parameter.storage)
      }
    }
    try writer.write(to: folder.url.appending(path: "model.safetensors"))
    #expect(try TaskModel(directory: folder.url).loadReport?.nonFinite.isEmpty == false)
  }
}
