import Tensors

/// How a parameter starts when no checkpoint has it.
public enum InitialValue: Sendable, Equatable {
  /// Independent draws from N(0, standardDeviation²).
  case normal(standardDeviation: Float)
  /// Independent draws from the interval −bound ..< bound.
  case uniform(bound: Float)
  /// All zeros.
  case zeros
  /// All ones.
  case ones
}

/// A cursor through checkpoint names: `scope / "encoder" / "layer" / 3`.
///
/// A layer asks for each parameter once, with its literal Hugging Face name, shape and initial value. Fresh
/// initialisation, loading, saving, freezing, decay groups and parameter tables all read the one list this makes.
public struct ParameterScope {
  private let path: String
  private let store: ParameterStore

  /// The root of the names in `store`.
  public init(_ store: ParameterStore) {
    self.path = ""
    self.store = store
  }

  private init(path: String, store: ParameterStore) {
    self.path = path
    self.store = store
  }

  /// One step down by name.
  public static func / (scope: ParameterScope, component: String) -> ParameterScope {
    ParameterScope(path: scope.full(component), store: scope.store)
  }

  /// One step down by index.
  public static func / (scope: ParameterScope, index: Int) -> ParameterScope { scope / String(index) }

  /// The parameter of that name below this scope, from the store's source or with its initial value.
  ///
  /// Faults (missing, mis-shaped) are collected by the store, which reports all of them together.
  public func parameter(_ name: String, _ shape: Shape, initial: InitialValue) -> Parameter {
    store.parameter(full(name), shape, initial: initial)
  }

  private func full(_ component: String) -> String { path.isEmpty ? component : path + "." + component }
}
