import Encoders
import Foundation
import ModelFormats
import Tensors
import Testing
import Training

/// Layer-wise decay of the learning rate against the rates of ELECTRA's fine-tuning, written out.
@Suite("Layer-wise learning-rate decay")
struct LayerwiseDecayTests {
  /// How far each parameter moves where every gradient is 1 and the rate 1: its learning rate.
  private func rates(of parameters: [Parameter], decay: Double?) throws -> [String: Float] {
    var config = TrainingConfig()
    (config.optim, config.learningRate, config.layerwiseLRDecay) = (.sgd, 1, decay)
    #expect(config.faults().isEmpty)
    for parameter in parameters { parameter.assign(Tensor(repeating: 0, shape: parameter.shape)) }
    let context = Context(tape: Tape())
    let sums = parameters.map { $0.tensor(in: context).sum() }
    context.tape?.backward(from: sums.dropFirst().reduce(sums[0]) { $0 + $1 })
    try config.makeOptimizer(ParameterGroup.decayGroups(parameters)).step()
    var rates: [String: Float] = [:]
    for parameter in parameters {
      rates[parameter.name] = try -#require(parameter.values.first)
      #expect(Set(parameter.values).count == 1)
    }
    return rates
  }

  private func model(_ architecture: EncoderArchitecture, layers: Int) throws -> TaskModel {
    var object = JSONObject()
    object["model_type"] = .string(architecture.rawValue)
    for (path, value) in [
      (\EncoderConfig.vocabularySize, 40), (\.hiddenSize, 12), (\.layerCount, layers), (\.attentionHeads, 3),
      (\.intermediateSize, 20), (\.maxPositions, 20),
    ] as [(PartialKeyPath<EncoderConfig>, Int)] {
      object[architecture.key(path)] = .integer(value)
    }
    return try TaskModel(config: EncoderConfig(json: .object(object)), seed: 1)
  }

  /// What the names of some parameters begin with, and their rate.
  private func expect(_ rates: [String: Float], _ expected: [(prefix: String, rate: Float)]) {
    for (name, rate) in rates {
      let matches = expected.filter { name.hasPrefix($0.prefix) }
      #expect(matches.count == 1, "\(name)")
      #expect(abs(rate - (matches.first?.rate ?? .nan)) < 1e-6, "\(name)")
    }
    for (prefix, _) in expected { #expect(rates.keys.contains { $0.hasPrefix(prefix) }, "\(prefix)") }
  }

  @Test("a BERT of three layers: heads 1, layers 0.5⁴ to 0.5², embeddings 0.5⁵")
  func bert() throws {
    expect(
      try rates(of: model(.bert, layers: 3).parameters, decay: 0.5),
      [
        ("bert.embeddings.", 0.03125), ("bert.encoder.layer.0.", 0.0625), ("bert.encoder.layer.1.", 0.125),
        ("bert.encoder.layer.2.", 0.25), ("bert.pooler.", 1), ("classifier.", 1),
      ])
  }

  @Test("an ELECTRA of twelve layers at 0.8, the rates of its authors' code")
  func electra() throws {
    let model = try model(.electra, layers: 12)
    let layers: [(prefix: String, rate: Float)] = [
      0.0549755813888, 0.068719476736, 0.08589934592, 0.1073741824, 0.134217728, 0.16777216, 0.2097152,
      0.262144, 0.32768, 0.4096, 0.512, 0.64,
    ].enumerated().map { ("electra.encoder.layer.\($0).", $1) }
    expect(
      try rates(of: model.parameters, decay: 0.8),
      [
        ("electra.embeddings.", 0.04398046511104), ("electra.embeddings_project.", 0.04398046511104),
        ("classifier.", 1),
      ] + layers)
  }

  @Test("layers that share their parameters, as ALBERT's: the rate of the last of them")
  func sharedLayers() throws {
    let store = ParameterStore(seed: 1)
    let encoder = ParameterScope(store) / "albert"
    _ = (encoder.beforeLayers(of: 12) / "embeddings").parameter("weight", [4, 2], initial: .zeros)
    for (group, last) in [5, 11].enumerated() {
      _ = (encoder.inLayer(last, of: 12) / "albert_layer_groups" / group).parameter(
        "weight", [2, 2], initial: .zeros)
    }
    _ = (ParameterScope(store) / "classifier").parameter("weight", [2, 2], initial: .zeros)
    // 0.9 to the powers 14, 13 − 5, 13 − 11 and 0.
    expect(
      try rates(of: store.parameters, decay: 0.9),
      [
        ("albert.embeddings.", 0.22876792454961), ("albert.albert_layer_groups.0.", 0.43046721),
        ("albert.albert_layer_groups.1.", 0.81), ("classifier.", 1),
      ])
  }

  @Test("recurrent layers, whose numbers end their names")
  func recurrent() throws {
    let rates = try rates(of: model(.bilstm, layers: 2).parameters, decay: 0.5)
    #expect(rates["bilstm.embeddings.word_embeddings.weight"] == 0.0625)
    for ending in ["l0", "l0_reverse"] { #expect(rates["bilstm.encoder.weight_hh_\(ending)"] == 0.125) }
    for ending in ["l1", "l1_reverse"] { #expect(rates["bilstm.encoder.bias_ih_\(ending)"] == 0.25) }
    #expect(rates["classifier.out_proj.weight"] == 1)
  }

  @Test("without the setting every rate is the run's, and a run of before goes on")
  func off() throws {
    #expect(try Set(rates(of: model(.bert, layers: 2).parameters, decay: nil).values) == [1])
    var before = try #require(TrainingConfig().json.objectValue)
    before["layerwise_lr_decay"] = nil
    #expect(
      TrainingConfig.settings.differences(from: .object(before), to: TrainingConfig().json).isEmpty)
    var config = TrainingConfig()
    config.layerwiseLRDecay = 0.9
    #expect(
      TrainingConfig.settings.differences(from: .object(before), to: config.json) == [
        "layerwise_lr_decay: not set before, 0.9 now"
      ])
    config.layerwiseLRDecay = 1.5
    #expect(config.faults().map(\.description) == ["layerwise_lr_decay: is 1.5; expected above 0, at most 1"])
  }
}
