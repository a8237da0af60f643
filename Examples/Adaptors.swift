import Potstill

/// Trains a student on the teacher's logits, a little on the labels, and on three of the teacher's hidden states.
public func distil(
  _ student: TaskModel, of teacher: TaskModel, examples: [EncodedExample]
) throws -> TrainingSummary {
  let config = DistillationConfig(
    temperature: 8, hardLabelWeight: 0.5,
    matches: [
      .match(IntermediateMatch(teacherLayer: 0, studentLayer: 0, loss: .hiddenMSE)),
      .match(IntermediateMatch(teacherLayer: 2, studentLayer: 1, loss: .hiddenMSE)),
      .match(
        IntermediateMatch(teacherLayer: 4, studentLayer: 2, loss: .cos, projection: ProjectionConfig(.linear))
      ),
    ])
  let adaptor: Adaptor = { batch, output, context in
    let loss = output.logits.softmaxCrossEntropy(labels: batch.labels)
    return Answers(logits: [output.logits], losses: [loss])
  }
  let distiller = try GeneralDistiller(
    config, teacher: LiveTeacher(teacher), student: student, adaptor: adaptor)

  var training = TrainingConfig()
  training.learningRate = 1e-3
  training.numTrainEpochs = 3
  training.perDeviceTrainBatchSize = 4
  return try distiller.train(examples, config: training)
}
