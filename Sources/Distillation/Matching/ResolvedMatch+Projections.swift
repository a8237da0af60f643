extension ResolvedMatch {
  /// Fresh projections for the match, as many as it needs.
  ///
  /// - Parameters:
  ///   - name: The prefix of the parameters' names; those of several projections have a number behind it.
  ///   - seed: Decides, with `stream`, the weights.
  ///   - stream: A number no other match of the run has.
  func projections(name: String, seed: UInt64, stream: UInt64) -> [Projection] {
    guard let projection else { return [] }
    return (0..<projectionCount).compactMap { index in
      Projection(
        projection, name: match.loss.takesAllLayers ? "\(name).\(index)" : name, seed: seed,
        stream: stream + UInt64(index) << 32)
    }
  }
}
