import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Training

/// Adafactor on parameters of many blocks, and its settings; small ones are compared with `transformers` in `OptimizerTests`.
@Suite("Adafactor")
struct AdafactorTests {
  /// Values that differ from place to place, of a size about 1.
  private func values(_ count: Int, _ seed: Int) -> [Float] {
    (0..<count).map { Float(($0 * 7919 + seed * 104_729) % 2003) / 1000 - 1 }
  }

  /// The parameters after some steps: three matrices of more rows than a block has, and a vector.
  private func trained(
    _ config: OptimizerConfig, decay: Double = 0, steps: Int = 3
  ) throws -> (values: [[Float]], optimizer: Optimizer) {
    let shapes: [Shape] = [[3, 300, 257], [19]]
    let parameters = shapes.enumerated().map { number, shape in
      Parameter(name: "p\(number)", value: Tensor(values(shape.count, number), shape: shape))
    }
    let optimizer = try Optimizer(
      config, groups: [ParameterGroup(name: "all", parameters: parameters)], learningRate: 0.02,
      weightDecay: decay)
    for step in 0..<steps {
      optimizer.zeroGradients()
      for (number, parameter) in parameters.enumerated() {
        setGradient(of: parameter, values(parameter.count, 10 + 5 * step + number))
      }
      optimizer.step(factor: 0.5, gradientScale: 0.25)
    }
    return (parameters.map(\.values), optimizer)
  }

  @Test("matrices of several blocks follow the formula in double precision", arguments: [nil, 0.9])
  func formula(beta1: Double?) throws {
    let found = try trained(.adafactor(beta1: beta1, clippingThreshold: 0.8), decay: 0.1).values[0]
    let (matrices, rows, columns) = (3, 300, 257)
    let count = matrices * rows * columns
    var weights = values(count, 0).map(Double.init)
    var mean = [Double](repeating: 0, count: count)
    var rowSquares = [Double](repeating: 0, count: matrices * rows)
    var columnSquares = [Double](repeating: 0, count: matrices * columns)
    for step in 0..<3 {
      let gradient = values(count, 10 + 5 * step).map { 0.25 * Double($0) }
      let kept = 1 - pow(Double(step + 1), -0.8)
      var update = [Double](repeating: 0, count: count)
      for matrix in 0..<matrices {
        func at(_ row: Int, _ column: Int) -> Int { (matrix * rows + row) * columns + column }
        for row in 0..<rows {
          let square = (0..<columns).reduce(0) { $0 + gradient[at(row, $1)] * gradient[at(row, $1)] }
          let place = matrix * rows + row
          rowSquares[place] = kept * rowSquares[place] + (1 - kept) * square / Double(columns)
        }
        for column in 0..<columns {
          let square = (0..<rows).reduce(0) { $0 + gradient[at($1, column)] * gradient[at($1, column)] }
          let place = matrix * columns + column
          columnSquares[place] = kept * columnSquares[place] + (1 - kept) * square / Double(rows)
        }
        let own = rowSquares[matrix * rows..<(matrix + 1) * rows]
        let whole = own.reduce(0, +) / Double(rows)
        for row in 0..<rows {
          for column in 0..<columns {
            let factor = (rowSquares[matrix * rows + row] / whole * columnSquares[matrix * columns + column])
            update[at(row, column)] = gradient[at(row, column)] / factor.squareRoot()
          }
        }
      }
      let root = (update.reduce(0) { $0 + $1 * $1 } / Double(count)).squareRoot()
      for place in 0..<count {
        var change = 0.01 * update[place] / max(1, root / 0.8)
        if let beta1 {
          mean[place] = beta1 * mean[place] + (1 - beta1) * change
          change = mean[place]
        }
        weights[place] -= 0.01 * 0.1 * weights[place] + change
      }
    }
    // Float32 weights of size 1 after three updates.
    for (value, expected) in zip(found, weights) { #expect(abs(Double(value) - expected) < 1e-6) }
  }

  @Test("results do not depend on the number of threads")
  func threads() throws {
    let one = try FixedThreads.run(1) { try trained(.adafactor(beta1: 0.5, scalesByWeights: true)).values }
    let three = try FixedThreads.run(3) { try trained(.adafactor(beta1: 0.5, scalesByWeights: true)).values }
    #expect(one == three)
  }

  @Test("of a matrix the squares of rows and columns are kept, and they come back from a file")
  func state() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "optimizer.safetensors")
    let optimizer = try trained(.adafactor()).optimizer
    try optimizer.save(to: file)
    let stored = try SafetensorsFile(path: file.path)
    #expect(
      stored["p0.exp_avg_sq_row"]?.shape == [3, 300] && stored["p0.exp_avg_sq_col"]?.shape == [3, 257])
    #expect(stored["p1.exp_avg_sq"]?.shape == [19] && stored.tensors.count == 5)
    let kept = stored.tensors.reduce(0) { $0 + $1.count }
    #expect(kept == 3 * (300 + 257) + 19 + 2 * 2, "\(kept) values")
    try optimizer.load(from: file)
    let other = try trained(.adafactor(beta1: 0.9), steps: 0).optimizer
    #expect(throws: TrainingError.self) { try other.load(from: file) }
  }

  @Test("recipes name it with transformers' arguments")
  func settings() throws {
    let text = #"{"optim": "adafactor", "optim_args": "clip_threshold=0.5, decay_rate=-0.7, beta1=0.9"}"#
    let config = try JSONDecoder().decode(TrainingConfig.self, from: Data(text.utf8))
    #expect(config.faults().isEmpty)
    let expected = OptimizerConfig.adafactor(beta1: 0.9, clippingThreshold: 0.5, decayRate: -0.7)
    #expect(try trained(config.optimizer).values == trained(expected).values)
    #expect(try trained(config.optimizer).values != trained(.adafactor()).values)
    for (arguments, name) in [
      ("relative_step=true", "relative_step"), ("clip_threshold=0", "clip_threshold"),
    ] {
      var wrong = config
      wrong.optimArgs = arguments
      #expect(wrong.faults().map(\.description).contains { $0.hasPrefix("optim_args: \(name): ") })
    }
  }
}
