import Datasets
import Encoders
import Tensors
import Tokenization

extension Importance {
  /// The importance of the parts of a Transformer by the size of what they compute, means over all tokens of the rows.
  ///
  /// A head has the length of what it mixes of a token's values, a neuron the absolute value behind the nonlinearity (as CoFi's and
  /// LLM-Pruner's baselines), a feature the absolute value in the embeddings and behind each layer. A layer has 1 − cos(x, y) of its
  /// input x and output y (the block influence of ShortGPT, Men and others 2024).
  ///
  /// - Parameters:
  ///   - model: A Transformer.
  ///   - rows: Rows of its task; labels are not looked at.
  init(activationsOf model: TaskModel, on rows: CompressionRows) {
    let config = model.config
    self.init(config)
    let states = config.hiddenStateNames
    let inner = (0..<config.layerCount).compactMap { config.innerNames(inLayer: $0) }
    var tokens = 0
    for batch in rows.batches {
      let taps = Taps(states + inner.flatMap { [$0.mixed, $0.feedForward] })
      let context = Context()
      context.taps = taps
      model.runEncoder(batch.tokens, in: context)
      tokens += batch.tokens.tokenCount
      var before: [Float]?
      for (index, name) in states.enumerated() {
        guard let values = taps.values[name]?.values else { continue }
        Self.addSizes(of: values, to: &features, factor: 1 / Double(states.count))
        if let before { layers[index - 1] += Self.turn(from: before, to: values, width: config.hiddenSize) }
        before = values
      }
      for (layer, names) in inner.enumerated() {
        if let values = taps.values[names.feedForward]?.values {
          Self.addSizes(of: values, to: &neurons[layer], factor: 1)
        }
        if let values = taps.values[names.mixed]?.values {
          Self.addLengths(of: values, size: config.headSize, to: &heads[layer])
        }
      }
    }
    neuronOutputs = neurons
    divide(by: Double(max(1, tokens)))
  }

  /// Adds the absolute values of each row.
  private static func addSizes(of values: [Float], to sums: inout [Double], factor: Double) {
    let width = sums.count
    for row in stride(from: 0, to: values.count, by: width) {
      for column in 0..<width { sums[column] += factor * Double(abs(values[row + column])) }
    }
  }

  /// Adds the Euclidean lengths of each row's blocks.
  private static func addLengths(of values: [Float], size: Int, to sums: inout [Double]) {
    let width = size * sums.count
    for row in stride(from: 0, to: values.count, by: width) {
      for block in sums.indices {
        let own = values[row + block * size..<row + (block + 1) * size]
        sums[block] += own.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      }
    }
  }

  /// The sum over rows of 1 − cos(x, y).
  private static func turn(from x: [Float], to y: [Float], width: Int) -> Double {
    var sum = 0.0
    for row in stride(from: 0, to: x.count, by: width) {
      var (xx, yy, xy) = (0.0, 0.0, 0.0)
      for column in row..<row + width {
        let (a, b) = (Double(x[column]), Double(y[column]))
        (xx, yy, xy) = (xx + a * a, yy + b * b, xy + a * b)
      }
      let lengths = xx.squareRoot() * yy.squareRoot()
      sum += lengths > 0 ? 1 - xy / lengths : 0
    }
    return sum
  }
}
