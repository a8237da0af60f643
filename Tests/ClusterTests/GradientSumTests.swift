import Cluster
import Kernels
import Synchronization
import Tensors
import Testing

/// Gradients that are sent while a backward pass goes on.
@Suite struct GradientSumTests {
  /// A small net: a table of words, two layers, one of them used twice, and a parameter that no pass uses.
  private struct Net {
    let table = Parameter(name: "table", value: Net.values([9, 3], 1))
    let first = Parameter(name: "first", value: Net.values([3, 3], 2))
    let second = Parameter(name: "second", value: Net.values([3, 3], 3))
    let idle = Parameter(name: "idle", value: Net.values([5], 4))
    var parameters: [Parameter] { [table, first, second, idle] }

    static func values(_ shape: Shape, _ seed: UInt64) -> Tensor {
      let source = RandomSource(seed: seed)
      let count = shape.count
      return Tensor((0..<count).map { Float(source.uniform(at: UInt64($0)) - 0.5) }, shape: shape)
    }

    func loss(_ words: [Int32], in context: Context) -> Tensor {
      let rows = table.tensor(in: context).embedding(ids: words)
      let inner = context.recomputing(rows) { input, context in
        input.linear(first.weights(bias: nil, in: context), activation: .gelu)
      }
      let outer = inner.linear(second.weights(bias: nil, in: context), activation: .gelu)
      return outer.linear(first.weights(bias: nil, in: context)).sum()
    }
  }

  /// Gradients of all parameters; of each rank its own words, the last of them in a pass that is sent meanwhile.
  private func gradients(
    of words: [[[Int32]]], bucketSize: Int, recomputes: Bool, sent: Bool
  ) -> [[[Float]?]] {
    ThreadRanks(words.count).run { ranks in
      let net = Net()
      let own = words[ranks.rank]
      let sums = GradientSum(net.parameters, over: ranks, bucketSize: bucketSize)
      var last: ((GradientSlot) -> Void) -> Void = { _ in }
      var lastTape: Tape?
      for words in own {
        last { _ in }
        let context = Context(tape: Tape())
        context.recomputes = recomputes
        let (tape, loss) = (context.tape, net.loss(words, in: context))
        last = { done in tape?.backward(from: loss, scale: 1, done: done) }
        lastTape = tape
      }
      if !sent {
        last { _ in }
        (last, lastTape) = ({ _ in }, nil)
      }
      let parts = ranks.gather(sums.parts(of: lastTape))
      sums.run(parts, while: last)
      return net.parameters.map { $0.gradient?.values }
    }
  }

  @Test(arguments: [1, 12, 1000], [false, true])
  func sentMeanwhileTheyAreWhatTheyAreBehindThePass(bucketSize: Int, recomputes: Bool) {
    // One rank has two pieces, one none.
    let words: [[[Int32]]] = [[[1, 2, 2], [3]], [], [[4, 1]]]
    let behind = gradients(of: words, bucketSize: 1000, recomputes: false, sent: false)
    let sent = gradients(of: words, bucketSize: bucketSize, recomputes: recomputes, sent: true)
    #expect(sent == behind)
    #expect(behind[0] == behind[1] && behind[1] == behind[2])
    #expect(behind[0].map { $0 == nil } == [false, false, false, true])
    // They are sums: of the words one by one on one rank.
    let alone = gradients(of: [[[1, 2, 2], [3], [4, 1]]], bucketSize: 1000, recomputes: false, sent: false)
    for (sum, alone) in zip(behind[0], alone[0]) {
      for (sum, alone) in zip(sum ?? [], alone ?? []) { #expect(abs(sum - alone) < 1e-5) }
    }
  }

  @Test(arguments: [false, true])
  func aPassTellsOfAParameterWhenNothingIsAddedAnyMore(recomputes: Bool) {
    let net = Net()
    let context = Context(tape: Tape())
    context.recomputes = recomputes
    let loss = net.loss([1, 2], in: context)
    var done: [(slot: GradientSlot, values: [Float])] = []
    context.tape?.backward(from: loss, scale: 1) { slot in done.append((slot, slot.storage?.values ?? [])) }
    // `first` is used early too; what was used last is done first.
    #expect(
      done.map { done in net.parameters.first { $0.slot === done.slot }?.name } == [
        "second", "first", "table",
      ])
    for (slot, values) in done { #expect(values == slot.storage?.values) }
    #expect(context.tape?.count == 0)
  }

  @Test func aConstantLeavesAllDone() {
    let tape = Tape()
    let net = Net()
    _ = net.first.tensor(in: Context(tape: tape))
    var count = 0
    tape.backward(from: Tensor([1]), scale: 1) { _ in count += 1 }
    #expect(count == 1 && net.first.gradient == nil)
  }
}
