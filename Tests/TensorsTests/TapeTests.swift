import Kernels
import Tensors
import Testing

@Suite struct TapeTests {
  @Test func gradientsAccumulateOverPassesUntilZeroed() {
    let parameter = Parameter(name: "w", value: Tensor([2, 3]))
    for pass in 1...2 {
      let context = Context(tape: Tape())
      let loss = (parameter.tensor(in: context) * Tensor([5, 7])).sum()
      context.tape?.backward(from: loss, scale: 0.5)
      #expect(parameter.gradient?.values == [2.5 * Float(pass), 3.5 * Float(pass)])
    }
    parameter.zeroGradient()
    #expect(parameter.gradient == nil)
  }

  @Test func frozenParametersAndInferenceRecordNothing() {
    let parameter = Parameter(name: "w", value: Tensor([2, 3]), isTrainable: false)
    let tape = Tape()
    _ = parameter.tensor(in: Context(tape: tape)).sum()
    #expect(tape.count == 0)
    parameter.isTrainable = true
    #expect(!parameter.tensor(in: .inference).sum().requiresGradient)
  }

  @Test func detachedTensorsStopTheGradient() {
    let parameter = Parameter(name: "w", value: Tensor([2, 3]))
    let context = Context(tape: Tape())
    let loss = (parameter.tensor(in: context) * parameter.detached).sum()
    context.tape?.backward(from: loss)
    #expect(parameter.gradient?.values == [2, 3])
  }

  @Test func dropoutMasksFollowSeedAndStreamOnly() {
    let x = Tensor(repeating: 1, shape: [200])
    func masks(seed: UInt64) -> [[Float]] {
      let context = Context(isTraining: true, random: RandomSource(seed: seed))
      return [
        x.dropout(probability: 0.5, in: context).values, x.dropout(probability: 0.5, in: context).values,
      ]
    }
    let (first, second, other) = (masks(seed: 1), masks(seed: 1), masks(seed: 2))
    #expect(first == second)
    #expect(first[0] != first[1])
    #expect(first[0] != other[0])
    #expect(x.dropout(probability: 0.5, in: .inference).values == x.values)
  }

  /// Three sequences of 2, 5 and 1 rows: each draws what it draws alone as the same row of the global batch.
  @Test func dropoutFollowsTheRowOfTheGlobalBatch() {
    let starts: [Int32] = [0, 2, 7, 8]
    let x = Tensor(repeating: 1, shape: [8, 40])
    func dropped(_ x: Tensor, _ starts: [Int32], firstRow: Int) -> [[Float]] {
      let random = RandomSource.training(seed: 3, step: 9, firstRow: firstRow)
      let context = Context(isTraining: true, random: random)
      let norm = x.layerNorm(
        gamma: Tensor(repeating: 1, shape: [40]), beta: Tensor(repeating: 0, shape: [40]), epsilon: 1e-5,
        dropout: 0.5, starts: starts, in: context)
      let mixed = Tensor.attention(
        query: x, key: x, value: x, heads: 2, starts: starts, dropout: 0.5, in: context
      ).output
      return [x.dropout(probability: 0.5, starts: starts, in: context).values, norm.values, mixed.values]
    }
    let together = dropped(x, starts, firstRow: 4)
    for sequence in 0..<3 {
      let rows = Int(starts[sequence])..<Int(starts[sequence + 1])
      let alone = dropped(
        Tensor(repeating: 1, shape: [rows.count, 40]), [0, Int32(rows.count)], firstRow: 4 + sequence)
      for (all, own) in zip(together, alone) {
        #expect(Array(all[rows.lowerBound * 40..<rows.upperBound * 40]) == own, "sequence \(sequence)")
      }
      #expect(Set(alone[0]) == [0, 2])
    }
    #expect(together[0] != dropped(x, starts, firstRow: 5)[0])
  }

  /// In a process of its own, since other tests allocate from the same pool.
  @Test func warmPassesAllocateNothing() async {
    await #expect(processExitsWith: .success) {
      let parameter = Parameter(name: "w", value: sample([64, 64], seed: 1))
      func pass() {
        let context = Context(tape: Tape(), isTraining: true, random: RandomSource(seed: 1))
        let x = sample([100, 64], seed: 2)
        let y = x.linear(LinearWeights(parameter.tensor(in: context)), activation: .gelu).dropout(
          probability: 0.1, in: context)
        context.tape?.backward(from: y.mean())
        parameter.zeroGradient()
      }
      for _ in 0..<2 { pass() }
      let before = BufferPool.shared.statistics.systemAllocations
      for _ in 0..<5 { pass() }
      precondition(
        BufferPool.shared.statistics.systemAllocations == before, "A warm pass asked the system for memory.")
    }
  }
}
