import Encoders
import ModelFormats
import Tensors
import Testing

extension GoldenModel {
  // Golden values are float64 results rounded once; a float32 forward pass of three layers with weights of 0.25 loses
  // about a digit against float32's 1e-7 at values of up to 4. Gradients, relative to the largest of their tensor, lose
  // up to two more where softmax is nearly saturated (queries and keys of the last layer, whose terms cancel).
  static let forwardTolerance: Float = 1e-5
  static let gradientTolerance: Float = 1e-4

  /// Expects every hidden state and attention map that `transformers` gave.
  func expectStates(_ output: SeenOutput) throws {
    let layers = golden.tensors.count { $0.name.hasPrefix("attention.") }
    #expect(layers > 0 && output.hiddenStates.count == layers + 1)
    for (k, hidden) in output.hiddenStates.enumerated() {
      #expect(try difference(hidden.values, "hidden.\(k)") < Self.forwardTolerance)
    }
    #expect(output.attentionProbabilities.count == layers)
    for (k, maps) in output.attentionProbabilities.enumerated() {
      #expect(try difference(maps.values.values, "attention.\(k)") < Self.forwardTolerance)
    }
  }

  /// Expects PyTorch's gradient of every parameter.
  ///
  /// - Parameter frozenRow: A row of the word and position tables that PyTorch keeps from training (`padding_idx`).
  func expectGradients(of parameters: [Parameter], frozenRow: Int? = nil) throws {
    for parameter in parameters {
      var gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient").values
      if let frozenRow, parameter.name.contains("word_emb") || parameter.name.contains("position_emb") {
        let columns = parameter.shape.lastDimension
        for index in frozenRow * columns..<(frozenRow + 1) * columns { gradient[index] = 0 }
      }
      let largest = try golden.floats("grad." + parameter.name).map(abs).max() ?? 0
      if largest < 1e-7 {
        // Softmax ignores what every key (in question answering: every token) shares, so some biases have a gradient
        // of 0, and both engines show rounding errors only.
        #expect(parameter.name.hasSuffix("bias"))
        #expect(try difference(gradient, "grad." + parameter.name) < 1e-6, "\(parameter.name)")
      } else {
        let difference = try relativeDifference(gradient, "grad." + parameter.name)
        #expect(difference < Self.gradientTolerance, "\(parameter.name)")
      }
    }
  }
}
