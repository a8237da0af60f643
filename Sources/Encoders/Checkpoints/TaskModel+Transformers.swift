extension TaskModel {
  /// A model that computes the same in the form in which `transformers` 5 builds it: Float32 values, whole matrices, layers that are
  /// all alike; itself where it has that form.
  ///
  /// Integers become the floats that they stand for, thin matrices their product (`merged()`), and zeros stand where heads and
  /// neurons were cut (`padded()`): it is as large and as slow as before it was made smaller that way.
  ///
  /// - Throws: `ModelError.request` for a family that `transformers` does not have; `ModelError` when the model is too large for
  ///   this machine.
  public func inTransformersForm() throws(ModelError) -> TaskModel {
    guard config.architecture.isOfTransformers else {
      throw .request("transformers has no family \(config.architecture.rawValue)")
    }
    var model = self
    if model.isFactorised { model = try model.merged() }
    if !model.config.prunedHeads.isEmpty || model.config.intermediateSizes != nil {
      model = try model.padded()
    }
    if model.isQuantized { model = try model.dequantized() }
    if let reason = model.config.reasonAgainstTransformers {
      preconditionFailure("Merged and padded models have a form that transformers builds, but \(reason).")
    }
    return model
  }
}
