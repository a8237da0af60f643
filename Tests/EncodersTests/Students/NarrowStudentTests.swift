import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization

/// Students of a teacher's layers with other widths than the teacher's.
@Suite struct NarrowStudentTests {
  private func teacher(
    _ architecture: EncoderArchitecture = .bert, head: TaskHead = .sequenceClassification
  ) throws -> TaskModel {
    var config = EncoderConfig(
      vocabularySize: 90, hiddenSize: 24, layerCount: 3, attentionHeads: 4, intermediateSize: 20)
    (config.architecture, config.initializerRange, config.head) = (architecture, 0.3, head)
    if architecture == .electra { config.embeddingSize = 10 }
    if architecture == .distilbert { config.segmentCount = 0 }
    if [.roberta, .xlmRoberta].contains(architecture) { (config.padTokenID, config.segmentCount) = (1, 1) }
    config.maxPositions = 16
    return try TaskModel(config: config, seed: 4)
  }

  private let batch = TokenBatch(sequences: [([2, 7, 8, 9, 3], [0, 0, 0, 1, 1]), ([2, 80, 3], [0, 0, 0])])

  private func values(_ model: TaskModel, _ name: String) throws -> [Float] {
    try #require(model.parameters.first { $0.name.hasSuffix(name) }, "no \(name)").values
  }

  @Test func rulesNameLayers() throws {
    #expect(LayerSelection.uniform.layers(3, of: 12) == [3, 7, 11])
    #expect(LayerSelection.last.layers(3, of: 12) == [9, 10, 11])
    #expect(LayerSelection.first.layers(3, of: 12) == [0, 1, 2])
    #expect(try StudentShape("First:2") == .selected(.first, layerCount: 2))
    #expect(try StudentShape("uniform:2").description == "uniform:2")
    for text in ["last:", "first:0", "uniform:x"] {
      #expect(throws: ModelError.self) { try StudentShape(text) }
    }
    let teacher = try teacher()
    let student = try TaskModel.student(.selected(.last, layerCount: 2), of: teacher)
    #expect(
      try values(student, "layer.0.output.dense.weight") == values(teacher, "layer.1.output.dense.weight"))
    #expect(throws: ModelError.self) {
      try TaskModel.student(.selected(.first, layerCount: 4), of: teacher)
    }
  }

  @Test(arguments: [EncoderArchitecture.bert, .roberta, .xlmRoberta, .electra, .distilbert])
  func fullWidthIsTheTeacherToTheBit(_ architecture: EncoderArchitecture) throws {
    for head in [TaskHead.sequenceClassification, .tokenClassification, .maskedLanguageModel] {
      let teacher = try teacher(architecture, head: head)
      let size = StudentSize(hiddenSize: 24, attentionHeads: 4, intermediateSize: 20)
      let sliced = try TaskModel.student(from: teacher, layers: [2, 0], size: size)
      let copied = try TaskModel.student(from: teacher, layers: [2, 0])
      #expect(sliced.config == copied.config)
      for (a, b) in zip(sliced.parameters, copied.parameters) {
        #expect(a.name == b.name && a.values == b.values, "\(a.name)")
      }
    }
  }

  /// The place of a value in a teacher.
  private struct Origin {
    let parameter: String
    let row: Int
    let column: Int
  }

  /// Gives every element of a model a value that no other has, and tells where each is.
  private func numbered(_ model: TaskModel) -> [Float: Origin] {
    var origins: [Float: Origin] = [:]
    for parameter in model.parameters {
      let columns = parameter.shape.rank == 2 ? parameter.shape[1] : 1
      let values = (0..<parameter.shape.count).map { index in
        // Steps of a prime through the numbers below another one: all are different, and none are in order.
        let value = Float((origins.count + 1) * 7919 % 65521) / 65536
        origins[value] = Origin(parameter: parameter.name, row: index / columns, column: index % columns)
        return value
      }
      parameter.assign(Tensor(values, shape: parameter.shape))
    }
    return origins
  }

  /// The widths that rows and columns of a parameter are cut by: features or neurons by their number in the teacher, heads
  /// by the name; nil for what stays whole.
  private func widths(_ parameter: String, _ shape: Shape) -> [String?] {
    let layer = parameter.firstMatch(of: /layer\.(\d+)\./).map { " of layer \($0.1)" } ?? ""
    var widths = shape.dimensions.map { $0 == 24 ? "features" : $0 == 20 ? "neurons" + layer : nil }
    if parameter.contains(/(query|key|value|[qkv]_lin)\./) { widths[0] = "heads" + layer }
    if parameter.contains(/(attention\.output\.dense|out_lin)\.weight/) { widths[1] = "heads" + layer }
    return widths
  }

  @Test(arguments: [EncoderArchitecture.bert, .roberta, .xlmRoberta, .electra, .distilbert])
  func everyParameterIsCutConsistently(_ architecture: EncoderArchitecture) throws {
    for head in [TaskHead.sequenceClassification, .questionAnswering, .maskedLanguageModel] {
      let teacher = try teacher(architecture, head: head)
      let origins = numbered(teacher)
      let shapes = Dictionary(uniqueKeysWithValues: teacher.parameters.map { ($0.name, $0.shape) })
      let student = try TaskModel.student(
        from: teacher, layers: [0, 2], size: StudentSize(hiddenSize: 12, intermediateSize: 7))
      #expect(student.config.attentionHeads == 2 && student.config.intermediateSize == 7)
      #expect(student.loadReport?.fresh == [] && student.loadReport?.ignored == [])
      var kept: [String: [Int]] = [:]
      for parameter in student.parameters {
        let name = parameter.name.replacing("layer.1.", with: "layer.2.")
        let shape = try #require(shapes[name], "\(name)")
        let (columns, values) = (parameter.shape.rank == 2 ? parameter.shape[1] : 1, parameter.values)
        let found = try values.map { try #require(origins[$0], "\(name): no value of the teacher") }
        let selection = [
          stride(from: 0, to: found.count, by: columns).map { found[$0].row },
          found.prefix(columns).map(\.column),
        ]
        #expect(
          found.indices.allSatisfy { place in
            found[place].parameter == name && found[place].row == selection[0][place / columns]
              && found[place].column == selection[1][place % columns]
          }, "\(name) is no selection of rows and columns")
        for (axis, width) in widths(name, shape).enumerated() {
          let expected = width.map { kept[$0, default: selection[axis]] } ?? Array(0..<shape[axis])
          #expect(selection[axis] == expected, "\(name), \(width ?? "whole")")
          if let width { kept[width] = selection[axis] }
        }
      }
      #expect(
        kept.mapValues(\.count) == [
          "features": 12, "heads of layer 0": 12, "heads of layer 2": 12, "neurons of layer 0": 7,
          "neurons of layer 2": 7,
        ])
      #expect(kept.values.allSatisfy { $0 == $0.sorted() })
      for (width, rows) in kept where width.hasPrefix("heads") {
        #expect(Set(rows.map { $0 / 6 }).count == 2, "\(width): no whole heads")
      }
      #expect(student(batch, in: .inference).logits.shape == teacher(batch, in: .inference).logits.shape)
    }
  }

  @Test func theLargestWeightsStayInTheirOrder() throws {
    let teacher = try teacher()
    // Features 3 and 20, the second head and neuron 5 of the first layer are the weakest.
    for parameter in teacher.parameters where parameter.shape.rank == 2 {
      var (values, columns) = (parameter.values, parameter.shape[1])
      for index in values.indices where columns == 24 && [3, 20].contains(index % columns) {
        values[index] /= 100
      }
      if parameter.name.contains("layer.0.intermediate") {
        for index in 5 * columns..<6 * columns { values[index] /= 100 }
      }
      parameter.assign(Tensor(values, shape: parameter.shape))
    }
    let student = try TaskModel.student(
      from: teacher, layers: [0], size: StudentSize(hiddenSize: 18, intermediateSize: 19))
    let words = try values(teacher, "word_embeddings.weight")
    let row = Array(try values(student, "word_embeddings.weight").prefix(18))
    let features = row.compactMap { words.prefix(24).firstIndex(of: $0) }
    #expect(features.count == 18 && features == features.sorted())
    #expect(!features.contains(3) && !features.contains(20))
    let inner = try values(teacher, "layer.0.intermediate.dense.weight")
    let kept = try values(student, "layer.0.intermediate.dense.weight")
    let neurons = (0..<20).filter { $0 != 5 }
    #expect(kept == neurons.flatMap { neuron in features.map { inner[neuron * 24 + $0] } })
    // Three heads of six features, the same rows in queries, keys and values.
    let queries = try values(teacher, "layer.0.attention.self.query.bias")
    #expect(queries.allSatisfy { $0 == 0 })
    let rows = try values(student, "layer.0.attention.self.key.weight")
    let keys = try values(teacher, "layer.0.attention.self.key.weight")
    let firsts = (0..<18).compactMap { row in
      (0..<24).first { keys[$0 * 24 + features[0]] == rows[row * 18] }
    }
    #expect(firsts.count == 18 && Set(firsts.map { $0 / 6 }).count == 3)
    #expect(firsts == firsts.sorted())
  }

  @Test func neuronsThatDoNothingAreNotMissed() throws {
    let teacher = try teacher()
    for parameter in teacher.parameters where parameter.name.contains("layer.") {
      var values = parameter.values
      let columns = parameter.shape.lastDimension
      if parameter.name.hasSuffix("intermediate.dense.weight") {
        for row in stride(from: 0, to: 20, by: 2) { for c in 0..<columns { values[row * columns + c] = 0 } }
      } else if parameter.name.hasSuffix("output.dense.weight"), columns == 20 {
        for row in 0..<24 { for c in stride(from: 0, to: 20, by: 2) { values[row * columns + c] = 0 } }
      }
      parameter.assign(Tensor(values, shape: parameter.shape))
    }
    let student = try TaskModel.student(
      from: teacher, layers: [0, 1, 2], size: StudentSize(intermediateSize: 10))
    let (a, b) = (student(batch, in: .inference).logits.values, teacher(batch, in: .inference).logits.values)
    #expect(GoldenModel.difference(a, b) < 1e-5)
  }

  @Test func impossibleWidthsAreRefused() throws {
    let teacher = try teacher()
    for (size, message) in [
      (StudentSize(hiddenSize: 20), "a student keeps whole heads"),
      (StudentSize(hiddenSize: 12, attentionHeads: 4), "a student keeps whole heads"),
      (StudentSize(hiddenSize: 48), "hidden_size: found 48, expected at most 24"),
      (StudentSize(intermediateSize: 21), "intermediate_size: found 21, expected at most 20"),
      (StudentSize(embeddingSize: 25), "embedding_size: found 25, expected at most 24"),
      (StudentSize(layerCount: 2), "num_hidden_layers 2 does not apply"),
    ] {
      do {
        _ = try TaskModel.student(.evenlySpaced(layerCount: 2), of: teacher, size: size)
        Issue.record("\(size) was accepted")
      } catch { #expect("\(error)".contains(message), "\(error)") }
    }
    let roberta = try self.teacher(.roberta)
    #expect(throws: ModelError.self) {
      try TaskModel.student(from: roberta, layers: [0], size: StudentSize(embeddingSize: 4))
    }
    let recurrent = try TaskModel.student(.recurrent(.gru), of: teacher)
    #expect(throws: ModelError.self) { try TaskModel.student(from: recurrent, layers: [0]) }
  }

  @Test(arguments: [TaskHead.sequenceClassification, .tokenClassification, .questionAnswering])
  func narrowEmbeddingsMakeAnELECTRA(_ head: TaskHead) throws {
    let teacher = try teacher(head: head)
    let student = try TaskModel.student(from: teacher, layers: [0, 2], size: StudentSize(embeddingSize: 6))
    #expect(student.config.architecture == .electra && student.config.embeddingSize == 6)
    #expect(student.loadReport?.fresh == [] && student.loadReport?.ignored == [])
    #expect(
      try values(student, "electra.encoder.layer.1.output.dense.weight")
        == values(teacher, "bert.encoder.layer.2.output.dense.weight"))
    let folder = try TemporaryFolder()
    try student.save(to: folder.url)
    let json = try JSONValue(contentsOf: folder.url.appending(path: "config.json"))
    #expect(json["model_type"] == "electra" && json["embedding_size"] == 6)
    let again = try TaskModel(directory: folder.url)
    #expect(again.loadReport?.fresh == [] && again.loadReport?.ignored == [])
    let (a, b) = (again(batch, in: .inference).logits.values, student(batch, in: .inference).logits.values)
    #expect(a == b)
  }

  @Test func theProjectionComesNearerWithMoreColumns() throws {
    let teacher = try teacher()
    let target = teacher(batch, seeing: [.innerHiddenStates], in: .inference).hiddenStates[0].values
    let errors = try [2, 8, 20].map { size in
      let student = try TaskModel.student(from: teacher, layers: [0], size: StudentSize(embeddingSize: size))
      let found = student(batch, seeing: [.innerHiddenStates], in: .inference).hiddenStates[0].values
      return zip(found, target).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    let power = target.reduce(0) { $0 + $1 * $1 }
    #expect(errors == errors.sorted(by: >))
    #expect(errors[0] < power && errors[2] < 0.25 * power, "\(errors) of \(power)")
  }
}
