import Tensors

/// Where initial parameter values come from when they are not drawn at random.
public protocol ParameterSource {
  /// What errors call the source: its file or directory.
  var path: String { get }
  /// All canonical names the source has.
  var names: [String] { get }
  /// The shape the source has under a canonical name, nil when it has no such parameter.
  func shape(of name: String) -> Shape?
  /// The values under a canonical name; only called for names that `shape(of:)` knows.
  func tensor(_ name: String) throws(ModelError) -> Tensor
}

/// The ordered list of a model's parameters, and where each came from.
public final class ParameterStore {
  /// Every parameter in the order in which layers asked for it.
  public private(set) var parameters: [Parameter] = []
  private let source: (any ParameterSource)?
  private let seed: UInt64
  private var names: Set<String> = []
  private var missing: [String] = []
  private var misshaped: [ModelError.Misshaped] = []
  private var unreadable: [ModelError] = []

  /// A store that fills parameters from `source`, and those it lacks from draws that depend on (seed, name) alone.
  public init(source: (any ParameterSource)? = nil, seed: UInt64) {
    self.source = source
    self.seed = seed
  }

  func parameter(_ name: String, _ shape: Shape, initial: InitialValue) -> Parameter {
    precondition(names.insert(name).inserted, "Two layers asked for the parameter \(name).")
    let parameter = Parameter(name: name, value: value(name, shape, initial))
    parameters.append(parameter)
    return parameter
  }

  /// What was loaded, drawn and ignored, once every layer has been built.
  ///
  /// - Parameter mayBeFresh: Decides for a missing name whether its initial value will do (a new task's head).
  /// - Throws: One error with every missing, mis-shaped, unreadable and unexpected name.
  public func report(mayBeFresh: (String) -> Bool) throws(ModelError) -> LoadReport {
    let required = missing.filter { !mayBeFresh($0) }
    let fresh = Set(missing)
    let ignored = (source?.names ?? []).filter { !names.contains($0) || fresh.contains($0) }.sorted()
    guard required.isEmpty, misshaped.isEmpty, unreadable.isEmpty else {
      throw .misfit(
        .init(
          file: source?.path ?? "", missing: required, misshaped: misshaped,
          unreadable: unreadable.map(\.description), unexpected: ignored))
    }
    return LoadReport(
      loaded: parameters.map(\.name).filter { !fresh.contains($0) }, fresh: missing, ignored: ignored)
  }

  private func value(_ name: String, _ shape: Shape, _ initial: InitialValue) -> Tensor {
    guard let source else { return draw(name, shape, initial) }
    guard let found = source.shape(of: name) else {
      missing.append(name)
      return draw(name, shape, initial)
    }
    // A faulty parameter makes the whole load fail; until the report says so, any value of its shape will do.
    guard found == shape else {
      misshaped.append(.init(name: name, found: found, expected: shape))
      return Tensor(repeating: 0, shape: shape)
    }
    do {
      return try source.tensor(name)
    } catch {
      unreadable.append(error)
      return Tensor(repeating: 0, shape: shape)
    }
  }

  private func draw(_ name: String, _ shape: Shape, _ initial: InitialValue) -> Tensor {
    switch initial {
    case .zeros: return Tensor(repeating: 0, shape: shape)
    case .ones: return Tensor(repeating: 1, shape: shape)
    case .normal(let deviation):
      return .normal(
        shape: shape, standardDeviation: deviation, random: RandomSource(seed: seed, stream: hash(name)))
    }
  }

  /// FNV-1a: the same name has the same stream in every process, unlike Swift's own hashes.
  private func hash(_ name: String) -> UInt64 {
    name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }
}
