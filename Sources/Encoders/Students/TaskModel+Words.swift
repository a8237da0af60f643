import Kernels
import Tensors

extension TaskModel {
  /// A model that reads some of this one's tokens, under new ids: word table and head of masked words have their rows alone.
  ///
  /// - Parameters:
  ///   - ids: The old id of each new one, the padding token's among them.
  ///   - padTokenID: The new id of the padding token.
  /// - Throws: `ModelError.request` for ids that the model does not have, and where positions are counted from the padding token's
  ///   id and this would change.
  package func keeping(words ids: [Int32], padTokenID: Int) throws(ModelError) -> TaskModel {
    var config = config
    let count = config.vocabularySize
    if let wrong = ids.first(where: { $0 < 0 || Int($0) >= count }) {
      throw .request("the model has no row for the token \(wrong); its rows are 0 to \(count - 1)")
    }
    let before = config.positionOffset
    (config.vocabularySize, config.padTokenID) = (ids.count, padTokenID)
    guard config.positionOffset == before else {
      throw .request(
        "positions of a model of type \(config.architecture.rawValue) are counted from its padding token, whose id would "
          + "change from \(self.config.padTokenID) to \(padTokenID); keep the tokens before it")
    }
    let source = WordCopy(LayerCopy(of: self, layers: Array(0..<config.layerCount)), ids: ids, config: config)
    return try TaskModel(config: config, store: ParameterStore(source: source, seed: 0), isFresh: false)
  }
}

/// A model's parameters with some rows of what has one for each token.
private struct WordCopy: ParameterSource {
  let path = "the model"
  private let source: LayerCopy
  private let ids: [Int32]
  private let config: EncoderConfig

  init(_ source: LayerCopy, ids: [Int32], config: EncoderConfig) {
    (self.source, self.ids, self.config) = (source, ids, config)
  }

  var names: [String] { source.names }

  /// Whether a parameter has a row, or a value, for each token.
  private func isOfWords(_ name: String) -> Bool {
    name == config.family.module + "." + config.family.wordTable || config.headForm.isOfWords(name)
  }

  func shape(of name: String) -> Shape? {
    guard let whole = source.shape(of: name), isOfWords(name) else { return source.shape(of: name) }
    return Shape([ids.count] + whole.dimensions.dropFirst())
  }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    let whole = try source.tensor(name)
    guard isOfWords(name) else { return whole }
    let width = whole.shape.rank > 1 ? whole.shape.lastDimension : 1
    let values = whole.values
    return Tensor(
      ids.flatMap { values[Int($0) * width..<(Int($0) + 1) * width] },
      shape: Shape([ids.count] + whole.shape.dimensions.dropFirst()))
  }
}
