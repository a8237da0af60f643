import Potstill

/// Distils a teacher of one's own: a function that answers with probabilities, such as another program, rules or people.
///
/// - Parameters:
///   - answer: The probability of each label for the example at a place in `examples`.
///   - labels: The names of the student's labels.
///   - student: The model that learns.
///   - examples: The texts as the student reads them; they need no labels.
public func distil(
  _ answer: @escaping (_ place: Int) -> [Double], labels: [String], into student: TaskModel,
  examples: [EncodedExample], training: TrainingConfig
) throws -> TrainingSummary {
  let teacher = ClosureTeacher(
    ModelDescription(
      answersOf: "my rules", labels: labels, vocabularySize: student.config.vocabularySize)
  ) { batch in
    Answers(probabilities: batch.indices.map(answer))
  }
  let distiller = try GeneralDistiller(
    DistillationConfig(temperature: 1), teacher: teacher, student: student)
  return try distiller.train(examples, config: training)
}
