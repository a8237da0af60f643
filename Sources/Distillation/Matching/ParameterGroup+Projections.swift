import Training

extension ParameterGroup {
  /// One pair of groups for each set of options; biases do not decay, like the student's.
  static func projectionGroups(
    _ options: [ProjectionConfig?], _ projections: [[Projection]]
  ) -> [ParameterGroup] {
    var members: [(options: ProjectionConfig, projections: [Projection])] = []
    for (options, projections) in zip(options, projections) {
      guard let options else { continue }
      let index = members.firstIndex {
        $0.options.learningRate == options.learningRate && $0.options.weightDecay == options.weightDecay
      }
      if let index {
        members[index].projections += projections
      } else {
        members.append((options, projections))
      }
    }
    return members.flatMap { options, projections in
      [
        ParameterGroup(
          name: "projections", parameters: projections.map(\.weight), learningRate: options.learningRate,
          weightDecay: options.weightDecay),
        ParameterGroup(
          name: "projections_no_decay", parameters: projections.map(\.bias),
          learningRate: options.learningRate,
          weightDecay: 0),
      ]
    }
  }
}
