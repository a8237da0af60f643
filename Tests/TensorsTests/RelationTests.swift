import Tensors
import TestSupport
import Testing

/// Sequences of one token, of fewer and of more than one block of queries.
private let starts: [Int32] = [0, 1, 4, 39]

@Suite struct RelationTests {
  /// Heads of 3 and 5 features, and of one whole vector.
  @Test(arguments: [(6, 10, 2), (16, 4, 1)])
  func gradientsMatchCentralDifferences(width: Int, teacherWidth: Int, heads: Int) {
    let rows = Int(starts[starts.count - 1])
    let teacher = (sample([rows, teacherWidth], seed: 3), sample([rows, teacherWidth], seed: 4))
    checkGradients(
      [sample([rows, width], seed: 1, scale: 2), sample([rows, width], seed: 2, scale: 2)]
    ) { inputs in
      Tensor.relationDivergence(
        student: (inputs[0], inputs[1]), teacher: teacher, heads: heads, starts: starts)
    }
  }

  @Test func oneTensorMayBeBothSides() {
    let rows = Int(starts[starts.count - 1])
    let teacher = sample([rows, 10], seed: 3, scale: 2)
    checkGradients([sample([rows, 6], seed: 1, scale: 2)]) { inputs in
      Tensor.relationDivergence(
        student: (inputs[0], inputs[0]), teacher: (teacher, teacher), heads: 2, starts: starts)
    }
  }

  @Test func aCopyHasNothingToLearn() throws {
    let student = Parameter(name: "", value: sample([39, 8], seed: 1, scale: 30))
    let context = Context(tape: Tape())
    let loss = Tensor.relationDivergence(
      student: (student.tensor(in: context), student.tensor(in: context)),
      teacher: (student.detached, student.detached),
      heads: 2, starts: starts)
    context.tape?.backward(from: loss)
    #expect(abs(loss.item) < 1e-6)
    #expect(try #require(student.gradient).values.allSatisfy { abs($0) < 1e-6 })
  }

  /// Rows of one sequence do not see those of another.
  @Test func sequencesAreApart() {
    let (student, teacher) = (sample([39, 8], seed: 1), sample([39, 12], seed: 2))
    func loss(_ range: Range<Int>, _ starts: [Int32]) -> Float {
      let own = student.rows(range)
      let other = teacher.rows(range)
      return Tensor.relationDivergence(student: (own, own), teacher: (other, other), heads: 4, starts: starts)
        .item
    }
    let parts = loss(0..<1, [0, 1]) + loss(1..<4, [0, 3]) * 3 + loss(4..<39, [0, 35]) * 35
    #expect(abs(loss(0..<39, starts) - parts / 39) < 1e-6)
    // A token alone is related to nothing but itself.
    #expect(loss(0..<1, [0, 1]) == 0)
    #expect(loss(0..<39, [0, 0, 1, 4, 4, 39]) == loss(0..<39, starts))
  }

  @Test func threadsChangeTheLastBitsAtMost() {
    let (student, teacher) = (sample([39, 32], seed: 1), sample([39, 64], seed: 2))
    let losses = [1, 2].map { threads in
      FixedThreads.run(threads) {
        Tensor.relationDivergence(
          student: (student, student), teacher: (teacher, teacher), heads: 8, starts: starts
        ).item
      }
    }
    #expect(losses[0] == losses[1])
  }

  @Test func gradientsOfDistancesMatchCentralDifferences() {
    checkGradients([sample([5, 7], seed: 1)]) { inputs in
      inputs[0].pairwiseSquaredDistances()
    }
    let squares = Tensor([0, 0, 3, 4, 3, 0], shape: [3, 2]).pairwiseSquaredDistances()
    #expect(squares.values == [0, 25, 9, 25, 0, 16, 9, 16, 0])
  }
}
