import Encoders
import Foundation
import ModelFormats
import Tensors
import Testing
import Tokenization

/// Values inside the models under the names of `transformers`' modules, against forward hooks on those modules.
@Suite struct IntermediateTests {
  @Test(arguments: ["classifier", "roberta", "electra", "distilbert"])
  func valuesEqualThoseOfTransformersModules(folder: String) throws {
    let golden = try GoldenModel(folder)
    let model = try TaskModel(directory: golden.directory)
    let expected = try SafetensorsFile(
      path: golden.directory.appending(path: "intermediates.safetensors").path)
    let known = model.config.intermediates
    let names = expected.tensors.map(\.name)
    #expect(names.count >= 9)
    for context in [Context.inference, Context(tape: Tape())] {
      let output = model(golden.batch, taps: names, in: context)
      #expect(Set(output.values.keys) == Set(names))
      #expect(try golden.difference(output.logits.values, "logits") < GoldenModel.forwardTolerance)
      for tensor in expected.tensors {
        let value = try #require(output.values[tensor.name])
        #expect(value.shape.dimensions == tensor.shape, "\(tensor.name)")
        #expect(known.first { $0.name == tensor.name }?.width == tensor.shape.last, "\(tensor.name)")
        let difference = GoldenModel.difference(value.values, try expected.floats(tensor.name))
        #expect(difference < GoldenModel.forwardTolerance, "\(tensor.name)")
      }
    }
  }

  @Test func everyNameThatIsListedIsGiven() throws {
    for (folder, sub) in [("classifier", "encoders"), ("bert/token", "heads"), ("roberta/masked", "heads")] {
      let golden = try GoldenModel(folder, in: sub)
      let model = try TaskModel(directory: golden.directory)
      let known = model.config.intermediates
      let output = model(golden.batch, taps: known.map(\.name), in: .inference)
      #expect(output.values.count == known.count)
      for value in known {
        let rows = value.rows == .sequences ? golden.batch.count : golden.batch.tokenCount
        #expect(output.values[value.name]?.shape == [rows, value.width], "\(value.name)")
      }
    }
  }

  @Test func onlyWhatNeedsTheWholeLastLayerComputesIt() throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    func holdsFirstRowsOnly(_ names: [String]) -> Bool {
      model(golden.batch, taps: names, in: .inference).encoder.holdsFirstRowsOnly
    }
    let last = "encoder.layer.2"
    #expect(holdsFirstRowsOnly([]))
    #expect(
      holdsFirstRowsOnly([
        "embeddings", "encoder.layer.1", "encoder.layer.1.attention.output", "pooler", "classifier",
      ]))
    #expect(holdsFirstRowsOnly([last + ".attention.self.key", last + ".attention.self.value"]))
    #expect(holdsFirstRowsOnly([last + ".attention.self.query"]))
    for part in ["", ".attention.self", ".attention.output", ".intermediate"] {
      #expect(!holdsFirstRowsOnly([last + part]), "\(part)")
    }
  }
}
