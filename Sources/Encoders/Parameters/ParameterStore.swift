import Kernels
import Tensors

/// Source of initial parameter values that are not drawn at random.
public protocol ParameterSource {
  /// Name of the source in errors: its file or directory.
  var path: String { get }
  /// Canonical names that the source has.
  var names: [String] { get }
  /// The shape the source has under a canonical name, nil when it has no such parameter.
  func shape(of name: String) -> Shape?
  /// The values under a canonical name; only called for names that `shape(of:)` knows.
  func tensor(_ name: String) throws(ModelError) -> Tensor
  /// Numbers of NaN or infinite values in parameters that it gave, in the order of their names.
  func nonFiniteCounts(of names: [String]) throws(ModelError) -> [Int]
}

/// Source that has some matrices in 8-bit integers.
package protocol QuantizedSource: ParameterSource {
  /// The integers and scales under a canonical name; nil where the source has floats.
  func quantized(_ name: String) throws(ModelError) -> QuantizedMatrix?
}

/// Source that has some matrices without their blocks of zeros.
package protocol BlockSource: ParameterSource {
  /// The blocks under a canonical name; nil where the source has all values.
  func blocks(_ name: String) -> BlockMatrix?
}

extension ParameterSource {
  /// Zeros: a source whose values are another model's need not look at them again.
  public func nonFiniteCounts(of names: [String]) throws(ModelError) -> [Int] { names.map { _ in 0 } }
}

/// The ordered list of a model's parameters, and where each came from.
public final class ParameterStore {
  /// Parameters in the order in which layers asked for them.
  public private(set) var parameters: [Parameter] = []
  private let source: (any ParameterSource)?
  private let seed: UInt64
  private let mayBeFresh: (String) -> Bool
  private var names: Set<String> = []
  private var fresh: [String] = []
  private var missing: [String] = []
  private var misshaped: [ModelError.Misshaped] = []
  private var unreadable: [ModelError] = []

  /// A store that fills parameters from `source`, or from draws that depend on (seed, name) alone.
  ///
  /// - Parameters:
  ///   - source: The checkpoint; without one every parameter is drawn.
  ///   - seed: What draws start from, together with the name.
  ///   - mayBeFresh: Decides for a name that the source lacks whether its initial value will do (a new task's head).
  public init(
    source: (any ParameterSource)? = nil, seed: UInt64,
    mayBeFresh: @escaping (String) -> Bool = { _ in false }
  ) {
    self.source = source
    self.seed = seed
    self.mayBeFresh = mayBeFresh
  }

  func parameter(_ name: String, _ shape: Shape, distance: Int, initial: InitialValue) -> Parameter {
    precondition(names.insert(name).inserted, "Two layers asked for the parameter \(name).")
    let parameter: Parameter
    do {
      parameter =
        try quantized(name, shape).map { Parameter(name: name, quantized: $0, distance: distance) }
        ?? blocks(name).map { Parameter(name: name, blocks: $0, distance: distance) }
        ?? Parameter(name: name, value: value(name, shape, initial), distance: distance)
    } catch {
      unreadable.append(error)
      parameter = Parameter(name: name, value: Tensor([]), distance: distance)
    }
    parameters.append(parameter)
    return parameter
  }

  /// The blocks of a parameter; nil where the source has all values.
  private func blocks(_ name: String) -> BlockMatrix? { (source as? any BlockSource)?.blocks(name) }

  /// The integers of a parameter; nil where the source has none of this shape.
  private func quantized(_ name: String, _ shape: Shape) throws(ModelError) -> QuantizedMatrix? {
    guard let source = source as? any QuantizedSource, source.shape(of: name) == shape else { return nil }
    return try source.quantized(name)
  }

  /// Report of what was loaded, drawn and ignored, once every layer has been built.
  ///
  /// - Throws: One error with every missing, mis-shaped, unreadable and unexpected name.
  public func report() throws(ModelError) -> LoadReport {
    let fresh = Set(fresh)
    let ignored = (source?.names ?? []).filter { !names.contains($0) || fresh.contains($0) }.sorted()
    guard !isFaulty else {
      throw .misfit(
        .init(
          file: source?.path ?? "", missing: missing, misshaped: misshaped,
          unreadable: unreadable.map(\.description), unexpected: ignored))
    }
    let loaded = parameters.filter { !fresh.contains($0.name) }
    let counts = try source?.nonFiniteCounts(of: loaded.map(\.name)) ?? []
    return LoadReport(
      loaded: loaded.map(\.name), fresh: self.fresh, ignored: ignored,
      nonFinite: zip(loaded, counts).compactMap { parameter, count in
        count == 0 ? nil : .init(name: parameter.name, count: count, total: parameter.count)
      })
  }

  private var isFaulty: Bool { !missing.isEmpty || !misshaped.isEmpty || !unreadable.isEmpty }

  private func value(_ name: String, _ shape: Shape, _ initial: InitialValue) -> Tensor {
    guard let source else { return draw(name, shape, initial) }
    if let found = source.shape(of: name) {
      if found == shape {
        do { return try source.tensor(name) } catch { unreadable.append(error) }
      } else {
        misshaped.append(.init(name: name, found: found, expected: shape))
      }
    } else if mayBeFresh(name) {
      fresh.append(name)
      if !isFaulty { return draw(name, shape, initial) }
    } else {
      missing.append(name)
    }
    // The load has failed and `report()` will say so: what a wrong configuration calls for may not even fit memory.
    return Tensor([])
  }

  private func draw(_ name: String, _ shape: Shape, _ initial: InitialValue) -> Tensor {
    switch initial {
    case .zeros, .normal(standardDeviation: 0):
      return Tensor(storage: .lastingZeros(count: shape.count), shape: shape)
    case .ones: return Tensor(repeating: 1, shape: shape)
    case .normal(let deviation):
      return .normal(
        shape: shape, standardDeviation: deviation, random: RandomSource(seed: seed, stream: hash(name)))
    case .uniform(let bound):
      return .uniform(shape: shape, bound: bound, random: RandomSource(seed: seed, stream: hash(name)))
    }
  }

  /// FNV-1a: the same name has the same stream in every process, unlike Swift's own hashes.
  private func hash(_ name: String) -> UInt64 {
    name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }
}

/// Initial value of a parameter that no checkpoint has.
public enum InitialValue: Sendable, Equatable {
  /// Independent draws from N(0, standardDeviation²).
  case normal(standardDeviation: Float)
  /// Independent draws from the interval −bound ..< bound.
  case uniform(bound: Float)
  /// Zeros.
  case zeros
  /// Ones.
  case ones
}

/// A cursor through checkpoint names: `scope / "encoder" / "layer" / 3`.
///
/// A layer asks for each parameter once, with its literal Hugging Face name, shape and initial value. Fresh
/// initialisation, loading, saving, freezing, decay groups and parameter tables all read the one list this makes.
public struct ParameterScope {
  private let path: String
  private let store: ParameterStore
  private let distance: Int
  /// The ranks of modules whose weights are two factors, by full names.
  private let ranks: [String: Int]

  /// The root of the names in `store`.
  public init(_ store: ParameterStore) { self.init(store, ranks: [:]) }

  /// The root of the names in `store`, of a model some of whose modules have weights of a rank.
  init(_ store: ParameterStore, ranks: [String: Int]) {
    self.init(path: "", store: store, distance: 0, ranks: ranks)
  }

  private init(path: String, store: ParameterStore, distance: Int, ranks: [String: Int]) {
    (self.path, self.store, self.distance, self.ranks) = (path, store, distance, ranks)
  }

  /// The rank of this module's weight; nil where it is whole.
  var rank: Int? { ranks[path] }

  /// Scope one step down by name.
  public static func / (scope: ParameterScope, component: String) -> ParameterScope {
    ParameterScope(
      path: scope.full(component), store: scope.store, distance: scope.distance, ranks: scope.ranks)
  }

  /// Scope one step down by index.
  public static func / (scope: ParameterScope, index: Int) -> ParameterScope { scope / String(index) }

  /// The scope for a layer of an encoder, whose parameters stand count + 1 − index steps below the answer: two for the last.
  ///
  /// The distances are those of ELECTRA's fine-tuning (`_get_layer_lrs` in google-research/electra, `model/optimization.py`),
  /// where a head stands two above the last layer.
  ///
  /// - Parameters:
  ///   - index: The layer, counted from 0; of several that share their parameters the last.
  ///   - count: The encoder's layers.
  public func inLayer(_ index: Int, of count: Int) -> ParameterScope {
    ParameterScope(path: path, store: store, distance: count + 1 - index, ranks: ranks)
  }

  /// The scope for what comes before the first of an encoder's layers, such as embeddings: count + 2 steps below the answer.
  public func beforeLayers(of count: Int) -> ParameterScope {
    ParameterScope(path: path, store: store, distance: count + 2, ranks: ranks)
  }

  /// The parameter of that name below this scope, from the store's source or with its initial value.
  ///
  /// Faults (missing, mis-shaped) are collected by the store, which reports all of them together.
  public func parameter(_ name: String, _ shape: Shape, initial: InitialValue) -> Parameter {
    store.parameter(full(name), shape, distance: distance, initial: initial)
  }

  private func full(_ component: String) -> String { path.isEmpty ? component : path + "." + component }
}
