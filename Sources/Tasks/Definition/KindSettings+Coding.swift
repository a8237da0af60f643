import TaskData

/// How the settings of single kinds are read from the keys of a recipe; what is missing keeps its usual value.
extension FieldFaults {
  fileprivate mutating func read<Value: Decodable>(_ key: TaskDefinition.CodingKeys, into value: inout Value)
  {
    if let read: Value = optional(key.rawValue) { value = read }
  }

  /// A list of a lower and an upper bound.
  mutating func range(_ name: String) -> ClosedRange<Double>? {
    guard let bounds: [Double] = optional(name) else { return nil }
    guard bounds.count == 2, bounds[0] < bounds[1], bounds.allSatisfy(\.isFinite) else {
      add("\(name) is \(bounds), expected the lowest and the highest number, such as [0, 5]")
      return nil
    }
    return bounds[0]...bounds[1]
  }
}

extension EntitySettings {
  init(_ fields: inout FieldFaults) {
    self.init()
    scheme = fields.choice(TaskDefinition.CodingKeys.scheme.rawValue) ?? scheme
    inputScheme = fields.choice(TaskDefinition.CodingKeys.inputScheme.rawValue)
    fields.read(.labelAllTokens, into: &labelAllTokens)
    fields.read(.stripSegmentDigits, into: &stripSegmentDigits)
  }
}

extension QuestionSettings {
  init(_ fields: inout FieldFaults) {
    self.init()
    fields.read(.questionColumn, into: &questionColumn)
    fields.read(.contextColumn, into: &contextColumn)
    fields.read(.answerColumn, into: &answerColumn)
    fields.read(.maxQueryLength, into: &maxQueryLength)
    fields.read(.maxAnswerLength, into: &maxAnswerLength)
    fields.read(.nBestSize, into: &nBestSize)
    fields.read(.version2WithNegative, into: &version2WithNegative)
    fields.read(.nullScoreDiffThreshold, into: &nullScoreDiffThreshold)
  }
}

extension MaskingSettings {
  init(_ fields: inout FieldFaults) {
    self.init()
    fields.read(.maskingProbability, into: &probability)
    fields.read(.wholeWordMask, into: &wholeWords)
    wordListFile = fields.optional(TaskDefinition.CodingKeys.wordListFile.rawValue)
    fields.read(.lineByLine, into: &isLineByLine)
  }
}
