import Kernels
import Tensors

/// Two thin matrices whose product stands for a weight.
package struct WeightFactors: Sendable {
  /// The first: of a linear layer [rank, inputs], of a table [rows, rank].
  package let narrow: Tensor
  /// The second, [outputs, rank], of a table [features, rank].
  package let up: Tensor

  /// Factors that belong to the model they will be part of.
  package init(narrow: Tensor, up: Tensor) { (self.narrow, self.up) = (narrow, up) }
}

extension TaskModel {
  /// A model of its own that computes the same with whole matrices in the place of factors, as `transformers` builds it.
  ///
  /// It is as large and as slow as before it was factorised. Of a model in 8-bit integers it holds the floats they stand for.
  ///
  /// - Throws: `ModelError` when the model is too large for this machine.
  public func merged() throws(ModelError) -> TaskModel {
    var config = config
    config.lowRank = [:]
    try config.checkMemory(bytesPerParameter: 4)
    let factors = parametersByName
    var tensors: [String: Tensor] = [:]
    for (name, parameter) in factors {
      let module = parentModule(of: name)
      guard self.config.lowRank[module] != nil else {
        tensors[name] = parameter.copiedValues
        continue
      }
      guard name.hasSuffix(".weight"), let up = factors[module + "." + WeightMatrix.upName] else {
        if name.hasSuffix(".bias") { tensors[name] = parameter.copiedValues }
        continue
      }
      tensors[name] =
        self.config.isWordTable(module)
        ? parameter.detached.matmul(up.detached, transposingSecond: true)
        : up.detached.matmul(parameter.detached)
    }
    return try TaskModel(config: config, filledWith: tensors)
  }

  /// Whether some matrices are held as two factors.
  public var isFactorised: Bool { !config.lowRank.isEmpty }

  /// The modules with a whole weight that two factors could stand for, in the parameters' order.
  package var factorisableModules: [String] {
    parameters.compactMap { parameter in
      let name = storedName(of: parameter)
      let module = parentModule(of: name)
      guard name == module + ".weight", config.lowRank[module] == nil, config.matrixShape(of: module) != nil
      else { return nil }
      return module
    }
  }

  /// The parameter of a name in a checkpoint; nil where there is none.
  package func parameter(_ name: String) -> Parameter? { parameters.first { storedName(of: $0) == name } }

  /// A model of its own with factors in the place of some weights.
  ///
  /// - Parameter factors: Factors by their modules, which are some of `factorisableModules`.
  package func replacing(_ factors: [String: WeightFactors]) throws(ModelError) -> TaskModel {
    var config = config
    var tensors: [String: Tensor] = [:]
    for (name, parameter) in parametersByName
    where factors[parentModule(of: name)] == nil || name.hasSuffix(".bias") {
      tensors[name] = parameter.copiedValues
    }
    for (module, pair) in factors {
      config.lowRank[module] = pair.up.shape[1]
      tensors[module + ".weight"] = pair.narrow
      tensors[module + "." + WeightMatrix.upName] = pair.up
    }
    try config.check(file: "the factorised model")
    return try TaskModel(config: config, filledWith: tensors)
  }

  private var parametersByName: [String: Parameter] {
    Dictionary(uniqueKeysWithValues: parameters.map { (storedName(of: $0), $0) })
  }

  private convenience init(config: EncoderConfig, filledWith tensors: [String: Tensor]) throws(ModelError) {
    let source = NamedTensors(tensors, path: "the model")
    try self.init(config: config, store: ParameterStore(source: source, seed: 0), isFresh: false)
  }
}

extension Parameter {
  fileprivate var copiedValues: Tensor { Tensor(storage: storage.copy(), shape: shape) }
}
