import Kernels
import Tensors
import TestSupport
import Testing

/// Linear layers whose blocks of zeros are left out, beside the dense ones.
@Suite struct BlockLinearTests {
  /// A weight of which a share of the blocks of 32 outputs by one input is zero.
  private func weight(_ outputs: Int, _ inputs: Int, density: Float, seed: UInt64) -> Tensor {
    let random = RandomSource(seed: seed, stream: 1)
    let values = Tensor.normal(shape: [outputs, inputs], standardDeviation: 1, random: random).values
    let groups = (outputs + 31) / 32
    let chances = Tensor.uniform(
      shape: [groups, inputs], bound: 1, random: RandomSource(seed: seed, stream: 2)
    ).values
    return Tensor(
      values.indices.map { index in
        let block = index / inputs / 32 * inputs + index % inputs
        return chances[block] < 2 * density - 1 ? values[index] : 0
      }, shape: [outputs, inputs])
  }

  private func rows(_ count: Int, _ inputs: Int) -> Tensor {
    .normal(shape: [count, inputs], standardDeviation: 1, random: RandomSource(seed: 9, stream: 3))
  }

  private func block(_ weight: Tensor, _ bias: Tensor?) -> LinearWeights {
    LinearWeights(
      .blocks(BlockMatrix(weight.storage, rows: weight.shape[0], columns: weight.shape[1])), bias: bias)
  }

  /// Rows around tiles of twelve and blocks of 96, outputs around panels, few inputs and many.
  @Test(
    arguments: [1, 11, 12, 13, 63, 64, 97, 200], [(1, 1), (31, 3), (32, 4), (33, 5), (64, 66), (70, 131)])
  func productsAreThoseOfTheDenseLayer(count: Int, size: (outputs: Int, inputs: Int)) {
    let x = rows(count, size.inputs)
    for density: Float in [0, 0.5, 1] {
      let weight = weight(size.outputs, size.inputs, density: density, seed: 4)
      for bias in [rows(1, size.outputs).reshaped([size.outputs]), nil] {
        let dense = x.linear(LinearWeights(weight, bias: bias), activation: .gelu).values
        let found = x.linear(block(weight, bias), activation: .gelu).values
        let apart = zip(found, dense).map { abs($0 - $1) }.max() ?? .infinity
        // Float32 sums of up to 131 terms in other orders.
        #expect(found.count == dense.count && apart < 1e-4, "\(density): \(apart)")
      }
    }
  }

  @Test func severalLayersAndTheFeedForwardHalf() {
    let x = rows(70, 40)
    let layers = (0..<3).map { weight(48, 40, density: 0.5, seed: UInt64($0)) }
    for (found, one) in zip(x.linear(layers.map { block($0, nil) }), layers) {
      #expect(found.values == x.linear(block(one, nil)).values)
    }
    // One of them dense: each by its own way.
    let mixed = x.linear([block(layers[0], nil), LinearWeights(layers[1])])
    #expect(mixed[0].values == x.linear(block(layers[0], nil)).values)
    #expect(mixed[1].values == x.linear(LinearWeights(layers[1])).values)
    let outer = weight(40, 48, density: 0.5, seed: 8)
    let fed = x.feedForward(inner: block(layers[0], nil), outer: block(outer, nil), activation: .relu)
    #expect(fed.values == x.linear(block(layers[0], nil), activation: .relu).linear(block(outer, nil)).values)
  }

  /// A row's bits depend neither on its company nor on the number of threads.
  @Test func companyAndThreadsChangeNoBit() {
    let weight = weight(90, 70, density: 0.5, seed: 5)
    let layer = block(weight, rows(1, 90).reshaped([90]))
    let x = rows(300, 70)
    let expected = FixedThreads.run(1) { x.linear(layer, activation: .gelu).values }
    for threads in [2, 3] {
      FixedThreads.run(threads) { #expect(x.linear(layer, activation: .gelu).values == expected) }
    }
    for row in [0, 13, 299] {
      let alone = Tensor(Array(x.values[(row * 70)..<((row + 1) * 70)]), shape: [1, 70])
      #expect(alone.linear(layer, activation: .gelu).values == Array(expected[(row * 90)..<((row + 1) * 90)]))
    }
  }

  @Test func theMatrixIsWholeAgain() {
    let weight = weight(70, 31, density: 0.5, seed: 6)
    let matrix = BlockMatrix(weight.storage, rows: 70, columns: 31)
    #expect(matrix.dense().values == weight.values)
    #expect(matrix.density > 0.2 && matrix.density < 0.8)
    #expect(BlockMatrix(Storage.filled(0, count: 70 * 31), rows: 70, columns: 31).density == 0)
  }
}
