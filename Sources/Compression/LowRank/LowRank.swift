import Encoders
import Foundation
import Kernels
import ModelFormats
import Tensors

/// Target of low-rank approximation.
public enum LowRankTarget: Sendable, Equatable {
  /// The share of the weighted squared singular values that each matrix keeps, above 0 and up to 1.
  ///
  /// Where a few inputs are far larger than the others, as in Transformers, they hold most of a weighted matrix's energy, and ranks come
  /// out very uneven.
  case energy(Double)
  /// The rank of every matrix.
  case rank(Int)
  /// The share of its values that each matrix keeps, above 0 and below 1: rank = share · outputs · inputs / (outputs + inputs).
  case share(Double)
  /// Millions of bytes of the model's values in 32-bit floats, by the largest share, the same of every matrix, that takes no more.
  case megabytes(Double)
}

/// Matrices of a model that low-rank approximation takes.
public enum LowRankPart: String, Sendable, CaseIterable {
  /// Queries, keys, values and the output of attention.
  case attention
  /// The two products of the feed-forward half.
  case feedForward = "ffn"
  /// The word table.
  case embeddings
}

/// Low rank: matrices are replaced by two thin ones that come nearest to them, in training and inference two thin products.
///
/// ```swift
/// let smaller = try LowRank(to: .share(0.5), by: .whitened)(model, rows: CompressionRows(data.examples))
/// print(smaller.reports[0])
/// try smaller.model.save(to: folder, tokenizer: tokenizer)
/// try smaller.model.merged().save(to: folderForPython, tokenizer: tokenizer)
/// ```
///
/// A matrix stays whole where its rank r does not pay: r (outputs + inputs) ≥ outputs · inputs.
public struct LowRank: CompressionMethod {
  /// Ranks to reach.
  public var target: LowRankTarget
  /// Rule by which errors are weighted.
  public var weighting: LowRankWeighting
  /// Matrices that are taken.
  public var parts: Set<LowRankPart>

  /// Approximation to a target, of every matrix that can be unless told otherwise.
  public init(
    to target: LowRankTarget, by weighting: LowRankWeighting = .plain,
    of parts: Set<LowRankPart> = Set(LowRankPart.allCases)
  ) {
    (self.target, self.weighting, self.parts) = (target, weighting, parts)
  }

  /// The name `low_rank`.
  public var name: String { "low_rank" }
  /// Whether errors are weighted by what rows show.
  public var needsRows: Bool { weighting.needsRows }

  /// Makes a copy with two thin matrices in the place of those that become smaller by it.
  ///
  /// - Throws: `CompressionError` for a target that cannot be, and for a model of integers or without such matrices.
  public func callAsFunction(_ model: CompressedModel, rows: CompressionRows?) throws -> CompressedModel {
    try check()
    let whole = model.model
    let modules = try modules(of: whole)
    var weights: [String: ErrorWeights] = [:]
    if weighting.needsRows {
      weights = try ErrorWeights.measured(of: modules, of: whole, by: weighting, on: required(rows))
    }
    let matrices = modules.compactMap { module in
      whole.parameter(module + ".weight").map { (module, $0.detached, whole.config.isWordTable(module)) }
    }
    let approximations = concurrentMap(matrices.count) { [weights] index in
      let (module, weight, isTable) = matrices[index]
      return LowRankApproximation(weight, isTable: isTable, by: weights[module] ?? .none)
    }
    let ranks = try ranks(approximations, of: whole)
    let paying = matrices.indices.filter { approximations[$0].pays(rank: ranks[$0]) }
    guard !paying.isEmpty else {
      throw CompressionError.request(
        "\(name): no matrix has fewer values as two thin ones of the ranks that were asked for; ask for less")
    }
    let pairs = concurrentMap(paying.count) { approximations[paying[$0]].factors(rank: ranks[paying[$0]]) }
    let factors = Dictionary(uniqueKeysWithValues: zip(paying.map { matrices[$0].0 }, pairs))
    let smaller = try StructuredPruning.model { () throws(ModelError) in try whole.replacing(factors) }
    var notes = [
      weighting.needsRows
        ? "errors weighted by \(rows?.examples.count ?? 0) rows: \(weighting.name)" : "errors not weighted"
    ]
    notes += kinds(modules, approximations, ranks, of: whole.config)
    notes += [unpaid(modules, approximations, ranks)].compactMap(\.self)
    if let reason = smaller.config.reasonAgainstTransformers {
      notes.append("transformers does not load it: \(reason); its merged form loads with equal logits")
    }
    return model.becoming(smaller, by: name, notes: notes)
  }

  /// The configuration that the result of a share or a rank will have, without looking at weights.
  ///
  /// - Parameters:
  ///   - config: The configuration of the model, which may have been cut since its modules were named.
  ///   - modules: The modules of the whole model (`TaskModel.factorisableModules`).
  /// - Throws: `CompressionError.request` for a target that cannot be.
  package func plan(
    for config: EncoderConfig, of modules: [String]
  ) throws(CompressionError) -> EncoderConfig {
    try check()
    var planned = config
    for module in modules where config.lowRank[module] == nil {
      guard let shape = config.matrixShape(of: module), parts.contains(part(of: module, config)) else {
        continue
      }
      let rank =
        switch target {
        case .share(let share): LowRankApproximation.rank(share: share, of: shape)
        case .rank(let rank): min(rank, shape[0], shape[1])
        case .energy, .megabytes:
          preconditionFailure("The ranks of an energy or a size are known with the weights alone.")
        }
      if LowRankApproximation.factorCount(rank: rank, of: shape) < shape.count {
        planned.lowRank[module] = rank
      }
    }
    return planned
  }

  // MARK: What is asked for

  private func check() throws(CompressionError) {
    switch target {
    case .energy(let energy) where !(energy > 0 && energy <= 1):
      throw .request("energy: found \(energy), expected a share above 0 and up to 1, such as 0.9")
    case .rank(let rank) where rank < 1:
      throw .request("rank: found \(rank), expected a whole number from 1")
    case .share(let share) where !(share > 0 && share < 1):
      throw .request("share: found \(share), expected a share above 0 and below 1, such as 0.5")
    case .megabytes(let size) where !(size > 0):
      throw .request("megabytes: found \(size), expected a number above 0")
    case .energy, .rank, .share, .megabytes: break
    }
    if case .activations(let power) = weighting, !(power >= 0 && power <= 4) {
      throw .request("power: found \(power), expected a number from 0 to 4; 0.5 is usual")
    }
    guard !parts.isEmpty else {
      let names = LowRankPart.allCases.map(\.rawValue).joined(separator: ", ")
      throw .request("parts: found none, expected some of \(names)")
    }
  }

  /// The modules to take.
  private func modules(of model: TaskModel) throws(CompressionError) -> [String] {
    guard !model.isQuantized else {
      throw .request(
        "\(name): the model's weights are 8-bit integers; take the model of floats that it was made of")
    }
    let modules = model.factorisableModules.filter { parts.contains(part(of: $0, model.config)) }
    guard !modules.isEmpty else {
      throw .request(
        "\(name): a model of type \(model.config.architecture.rawValue)\(model.isFactorised ? " of low rank" : "") has no "
          + "whole matrices left in \(parts.map(\.rawValue).sorted().joined(separator: ", "))")
    }
    let names = Set(modules.map { $0 + ".weight" })
    if let damaged = model.nonFiniteParameters.first(where: { names.contains($0.name) }) {
      throw .request(
        "\(name): \(damaged.name) holds \(damaged.count) values that are NaN or infinite, which have no low rank"
      )
    }
    return modules
  }

  /// The part of a model that a module belongs to.
  private func part(of module: String, _ config: EncoderConfig) -> LowRankPart {
    if config.isWordTable(module) { return .embeddings }
    let cut = config.place(of: module + ".weight").cut
    return cut.rows == .heads || cut.columns == .heads ? .attention : .feedForward
  }

  // MARK: Ranks

  /// The rank of each matrix, whether it pays or not.
  private func ranks(_ matrices: [LowRankApproximation], of model: TaskModel) throws(CompressionError)
    -> [Int]
  {
    func ranks(_ share: Double) -> [Int] { matrices.map { $0.rank(share: share) } }
    switch target {
    case .energy(let energy): return matrices.map { $0.rank(energy: energy) }
    case .rank(let rank): return matrices.map { min(rank, $0.spectrum.count) }
    case .share(let share): return ranks(share)
    case .megabytes(let size):
      func bytes(_ ranks: [Int]) -> Double {
        zip(matrices, ranks).reduce(4 * Double(model.parameterCount)) { sum, entry in
          let (matrix, rank) = entry
          return matrix.pays(rank: rank)
            ? sum - 4 * Double(matrix.shape.count - matrix.factorCount(rank: rank)) : sum
        }
      }
      func text(_ bytes: Double) -> String { "\((bytes / 1e4).rounded() / 100) MB" }
      let (least, limit) = (bytes(ranks(0)), size * 1e6)
      guard least <= limit else {
        throw .request("\(size) MB: rank 1 leaves \(text(least)); ask for more, or cut other parts too")
      }
      guard 4 * Double(model.parameterCount) > limit else {
        throw .request(
          "\(size) MB: the model has \(text(4 * Double(model.parameterCount))) already; ask for less")
      }
      var (low, high) = (0.0, 1.0)
      for _ in 0..<50 {
        let middle = (low + high) / 2
        if bytes(ranks(middle)) <= limit { low = middle } else { high = middle }
      }
      return ranks(low)
    }
  }

  // MARK: Notes

  /// A line for each kind of matrix: its ranks, and the energy that they keep.
  private func kinds(
    _ modules: [String], _ matrices: [LowRankApproximation], _ ranks: [Int], of config: EncoderConfig
  ) -> [String] {
    var order: [String] = []
    var members: [String: [Int]] = [:]
    for (index, module) in modules.enumerated() where matrices[index].pays(rank: ranks[index]) {
      let kind = kind(of: module, config)
      if members[kind] == nil { order.append(kind) }
      members[kind, default: []].append(index)
    }
    return order.map { kind in
      let indices = members[kind] ?? []
      let (chosen, whole) = (indices.map { ranks[$0] }, indices.map { matrices[$0].spectrum.count })
      let energies = indices.map { matrices[$0].energy(rank: ranks[$0]) }
      let (mean, least) = (energies.reduce(0, +) / Double(max(1, energies.count)), energies.min() ?? 1)
      return
        "\(kind): rank \(range(chosen)) of \(range(whole)), energy kept \(percent(mean)), at least \(percent(least))"
    }
  }

  /// A line about the matrices that stay whole; nil where all are replaced.
  private func unpaid(_ modules: [String], _ matrices: [LowRankApproximation], _ ranks: [Int]) -> String? {
    let left = modules.indices.filter { !matrices[$0].pays(rank: ranks[$0]) }
    guard !left.isEmpty else { return nil }
    let shown = left.prefix(3).map { "\(modules[$0]) (rank \(ranks[$0]) of \(matrices[$0].spectrum.count))" }
      .joined(separator: ", ")
    return
      "\(left.count) of \(modules.count) matrices stay whole, since two thin ones would be no smaller: \(shown)"
      + (left.count > 3 ? ", …" : "")
  }

  /// The name of a module within its layer, or the last part of its name.
  private func kind(of module: String, _ config: EncoderConfig) -> String {
    guard let layer = config.place(of: module + ".weight").layer,
      let place = module.range(of: ".\(layer).")
    else { return module.split(separator: ".").last.map(String.init) ?? module }
    return String(module[place.upperBound...])
  }

  private func range(_ numbers: [Int]) -> String {
    let (least, most) = (numbers.min() ?? 0, numbers.max() ?? 0)
    return least == most ? "\(least)" : "\(least) to \(most)"
  }

  private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
}
