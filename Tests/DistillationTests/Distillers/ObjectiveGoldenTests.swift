import Datasets
import Distillation
import Encoders
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// A whole objective (logits, labels, four matches with projections) against TextBrewer's GeneralDistiller over Hugging
/// Face models with the same weights: total, each part, and the gradient of every parameter.
@Suite struct ObjectiveGoldenTests {
  private func load(_ model: TaskModel, _ name: String) throws {
    let golden = try Golden("objective/\(name).safetensors")
    for parameter in model.parameters { parameter.assign(try golden.tensor(parameter.name)) }
  }

  private func distiller(_ change: (inout DistillationConfig) -> Void = { _ in }) throws
    -> (distiller: GeneralDistiller, batch: Batch)
  {
    let json = try JSONValue(contentsOf: Fixtures.url("distillation/objective/batch.json"))
    let numbers = { (value: JSONValue?) in (value?.arrayValue ?? []).compactMap(\.intValue).map { Int32($0) }
    }
    let rows = { (key: String) in (json[key]?.arrayValue ?? []).map { numbers($0) } }
    let batch = Batch(
      tokens: TokenBatch(sequences: Array(zip(rows("ids"), rows("segments")))),
      labels: numbers(json["labels"]), indices: [0, 1, 2])
    let labels = ["LABEL_0", "LABEL_1", "LABEL_2"]
    let teacher = try tinyModel(layers: 4, hidden: 12, heads: 3, labels: labels)
    let student = try tinyModel(layers: 2, hidden: 8, heads: 2, labels: labels)
    try load(teacher, "teacher")
    try load(student, "student")
    var config = DistillationConfig(json: try #require(json["config"]))
    config.compatibility = .textbrewer
    change(&config)
    let distiller = try GeneralDistiller(config, teacher: teacher, student: student)
    let golden = try Golden("objective/expected.safetensors")
    for parameter in distiller.projections.compactMap({ $0 }).flatMap(\.parameters) {
      parameter.assign(try golden.tensor(parameter.name))
    }
    return (distiller, batch)
  }

  @Test func totalPartsAndGradientsMatchTextBrewer() throws {
    let (distiller, batch) = try distiller()
    let golden = try Golden("objective/expected.safetensors")
    let context = recording()
    let loss = try distiller.loss(batch, progress: 0, in: context)
    expectClose(loss.total, try golden.tensor("total"), "total")
    let expected = Set(
      golden.names.filter { $0.hasPrefix("part/") }.map { String($0.dropFirst("part/".count)) })
    #expect(Set(loss.parts.map(\.name)) == expected)
    for part in loss.parts {
      expectClose(Tensor(part.value), try golden.tensor("part/" + part.name), part.name)
    }
    context.tape?.backward(from: loss.total)
    let parameters = distiller.groups.flatMap(\.parameters)
    #expect(parameters.count == distiller.student.parameters.count + 8)
    for parameter in parameters {
      let gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient")
      // Sums through two LayerNorms and up to four matches.
      expectClose(gradient, try golden.tensor("grad/" + parameter.name), relative: 1e-4, parameter.name)
    }
    #expect(distiller.teacher.model?.parameters.allSatisfy { $0.gradient == nil } == true)
  }

  /// The temperature squared, and `pkd` averaged over the 12 features.
  @Test func theDefaultDiffersInTwoFactors() throws {
    let (compatible, batch) = try distiller()
    let (own, _) = try distiller { $0.compatibility = nil }
    let parts = { (distiller: GeneralDistiller) in
      try distiller.loss(batch, progress: 0, in: .inference).parts.filter { $0.name != "kd_kl_divergence" }
    }
    for (a, b) in zip(try parts(compatible), try parts(own)) {
      let factor: Float = a.name == "unweighted_kd_loss" ? 16 : a.name.contains("_pkd_") ? 1 / 12 : 1
      #expect(abs(a.value * factor - b.value) <= 1e-5 * abs(b.value), "\(a.name)")
    }
  }
}
