import Datasets
import Foundation
import Training

/// Sampler of the task of each update of a multi-task run, and of its batches.
///
/// An update draws its task with p ∝ weight · n^τ, n the number of the task's examples (TextBrewer counts batches), from a
/// stream of the run's seed that nothing else reads. All micro-batches of an update are of one task: the mean of an
/// accumulated update weighs micro-batches by their sequences or tokens, which tasks of different heads do not share.
///
/// An epoch has as many updates as one pass over every task's data takes. The tasks' batches come in each task's own
/// shuffled order, pass after pass, whatever epoch the others are in. Everything is a function of seed and epoch.
final class TaskSampler {
  /// The chance of each task.
  let probabilities: [Double]
  /// The updates of an epoch.
  let stepsPerEpoch: Int
  private let data: [TrainingData]
  private let accumulation: Int
  private let seed: UInt64
  /// The updates of each task before each epoch that was asked for.
  private var before: [[Int]]
  /// The batches of each pass over a task's data that was asked for.
  private var counts: [[Int]]
  /// The batches of the pass a task was last seen in.
  private var passes: [(number: Int, batches: [[Int]])?]

  /// - Parameters:
  ///   - data: The tasks' own batches.
  ///   - weights: The tasks' sampling weights.
  ///   - tau: The power of the sizes: 1 draws in proportion, 0 evenly.
  ///   - accumulation: The micro-batches of an update.
  ///   - seed: Decides the draws.
  init(_ data: [TrainingData], weights: [Double], tau: Double, accumulation: Int, seed: UInt64) {
    let factors = Self.factors(sizes: data.map(\.exampleCount), weights: weights, tau: tau)
    let total = factors.reduce(0, +)
    probabilities = factors.map { $0 / total }
    self.data = data
    self.accumulation = accumulation
    self.seed = seed
    stepsPerEpoch = data.reduce(0) { $0 + ($1.batchCount(0) + accumulation - 1) / accumulation }
    before = [[Int](repeating: 0, count: data.count)]
    counts = [[Int]](repeating: [], count: data.count)
    passes = [(number: Int, batches: [[Int]])?](repeating: nil, count: data.count)
  }

  /// weight · (n / largest n)^τ, so that no power overflows.
  private static func factors(sizes: [Int], weights: [Double], tau: Double) -> [Double] {
    let largest = Double(sizes.max() ?? 1)
    return zip(sizes, weights).map { $1 * pow(Double($0) / largest, tau) }
  }

  /// The task of each update of an epoch.
  func tasks(epoch: Int) -> [Int] {
    // The coordinates differ in number from those of the batch order, so the streams are unrelated.
    var random = SplitMix64(seed, UInt64(bitPattern: Int64(epoch)), 0x7461_736B)
    return (0..<stepsPerEpoch).map { _ in
      var left = random.uniform()
      for (task, probability) in probabilities.enumerated() {
        left -= probability
        if left < 0 { return task }
      }
      return probabilities.count - 1
    }
  }

  /// The micro-batches of an epoch, each with its task, as positions in the task's data.
  func batches(epoch: Int) -> [(task: Int, indices: [Int])] {
    var next = updates(before: epoch).map { $0 * accumulation }
    return tasks(epoch: epoch).flatMap { task in
      (0..<accumulation).map { _ in
        defer { next[task] += 1 }
        return (task, batch(next[task], of: task))
      }
    }
  }

  private func updates(before epoch: Int) -> [Int] {
    while before.count <= epoch {
      var counts = before[before.count - 1]
      for task in tasks(epoch: before.count - 1) { counts[task] += 1 }
      before.append(counts)
    }
    return before[epoch]
  }

  /// A task's batch by its number in the run, pass after pass.
  private func batch(_ number: Int, of task: Int) -> [Int] {
    var (pass, place) = (0, number)
    while true {
      if counts[task].count == pass { counts[task].append(data[task].batchCount(pass)) }
      let count = counts[task][pass]
      if place < count { break }
      place -= count
      pass += 1
    }
    if passes[task]?.number != pass { passes[task] = (pass, data[task].batches(pass)) }
    return passes[task]?.batches[place] ?? []
  }
}
