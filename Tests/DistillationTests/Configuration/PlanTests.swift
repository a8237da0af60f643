import Distillation
import Encoders
import ModelFormats
import Testing
import Training

@Suite struct PlanTests {
  private func plan(
    _ config: DistillationConfig, hidden: Int = 8, training: TrainingConfig = TrainingConfig()
  ) throws -> DistillationPlan {
    try DistillationPlan(
      config, teacher: ModelDescription(try tinyModel(layers: 4, hidden: 12, heads: 3), name: "teacher/"),
      student: ModelDescription(try tinyModel(layers: 2, hidden: hidden), name: "student/"),
      training: training, steps: 1234, tokensPerBatch: 100, sequenceLength: 8)
  }

  @Test func rendersAsText() throws {
    let config = DistillationConfig(
      temperature: 8, hardLabelWeight: 0.5,
      matches: [.map(.uniform), .map(.last, loss: .attentionCEMean, weight: 0.25)])
    let lines = try plan(config).lines
    #expect(
      lines == [
        "teacher  teacher/: 4 layers of 12, 3 heads, 5,955 parameters, 0.0 MB",
        "student  student/: 2 layers of 8, 2 heads, 1,715 parameters, 0.0 MB, 3.5 times smaller",
        "trained  2,039 parameters, 324 of them in projections (not exported)",
        "loss     1 × KD (ce, temperature 8, times T²)", "loss     0.5 × labels",
        "match    1 × hidden_mse            teacher embeddings  [T, 12]          student embeddings  [T, 8]           linear 8 → 12",
        "match    1 × hidden_mse            teacher layer 2     [T, 12]          student layer 1     [T, 8]           linear 8 → 12",
        "match    1 × hidden_mse            teacher layer 4     [T, 12]          student layer 2     [T, 8]           linear 8 → 12",
        "match    0.25 × attention_ce_mean  teacher layer 3     [3 heads, T, T]  student layer 1     [2 heads, T, T]",
        "match    0.25 × attention_ce_mean  teacher layer 4     [3 heads, T, T]  student layer 2     [2 heads, T, T]",
        "steps    1,234",
        "memory   about 0.3 MB: parameters 0.0, gradients 0.0, optimizer 0.0, activations 0.2 at 100 tokens a batch",
      ], "\(lines.joined(separator: "\n"))")
  }

  @Test func whatChangesTheLogitsLossIsSaid() throws {
    var config = DistillationConfig(
      temperatureSchedule: .flsw(beta: 1, gamma: 2), kdLossType: .dkd, kdLossWeightSchedule: .linearDecay,
      hardLabelWeight: 0.5, hardLabelWeightSchedule: .linearGrowth, probabilityShift: true)
    (config.kdLossOptions, config.logitStandardization) = (KDLossOptions(beta: 2), true)
    let lines = try plan(config).lines
    let loss =
      "loss     1 (linear_decay) × KD (dkd beta 2, temperature 4, flsw beta 1 gamma 2, times T², "
      + "standardized logits, probability shift)"
    #expect(lines.contains(loss) && lines.contains("loss     0.5 (linear_growth) × labels"), "\(lines)")
  }

  @Test func countsAndMemoryFollowTheFormula() throws {
    let plan = try plan(DistillationConfig(matches: [.map(.uniform)]))
    #expect(plan.projectionCount == 3 * (8 * 12 + 12))
    #expect(plan.trainableCount == plan.student.parameterCount + plan.projectionCount)
    let (memory, teacher) = (plan.memory, plan.teacher)
    #expect(memory.parameters == 4 * (teacher.parameterCount + plan.trainableCount))
    #expect(memory.gradients == 4 * plan.trainableCount)
    #expect(memory.optimizer == 8 * plan.trainableCount)
    // T (8 H + F + A L) a layer, T (4 H + F) on the way, F = 2 H.
    let perToken = 2 * (8 * 8 + 16 + 2 * 8) + (4 * 8 + 16) + 2 * (8 * 12 + 24 + 3 * 8)
    #expect(memory.activations == 4 * 100 * perToken)
    #expect(memory.total == memory.parameters + memory.gradients + memory.optimizer + memory.activations)
  }

  @Test func layersThatAreComputedAgainAndAdafactorTakeLess() throws {
    var training = TrainingConfig()
    (training.optim, training.gradientCheckpointing) = (.adafactor, true)
    let memory = try plan(DistillationConfig(matches: [.map(.uniform)]), training: training).memory
    // What goes into each layer, T H, and one layer's T (8 H + F + A L); the rest as without.
    let perToken = 2 * 8 + (8 * 8 + 16 + 2 * 8) + (4 * 8 + 16) + 2 * (8 * 12 + 24 + 3 * 8)
    #expect(memory.activations == 4 * 100 * perToken && memory.optimizer == 0)
  }

  @Test("rows of a word table that no text has take no gradient and no state")
  func idleWords() throws {
    // XLM-R-large's table and 2,000 of its tokens: a row of 4,096 bytes on two pages.
    #expect(TaskModel.idleValues(used: 2000, of: 250_002, width: 1024) == (250_002 - 4000) * 1024)
    #expect(TaskModel.idleValues(used: 9000, of: 10_000, width: 64) == 0)
    // A table of 20 rows is on one page.
    let model = try tinyModel(layers: 1, hidden: 8)
    #expect(model.idleWordValues(readingAll: [[0, 1], [2]]) == 0)
  }

  @Test func rendersAsJSON() throws {
    let json = try plan(DistillationConfig(matches: [.map(.uniform)])).json
    #expect(json["teacher"]?["parameters"]?.intValue == 5955)
    #expect(json["matches"]?[1]?["projection"]?.stringValue == "linear 8 → 12")
    #expect(json["matches"]?[1]?["teacher_shape"]?.stringValue == "[T, 12]")
    #expect(json["steps"]?.intValue == 1234)
    #expect(json["trainable_parameters"]?.intValue == 2039)
  }

  @Test func faultsKeepAPlanFromBeingMade() {
    #expect(throws: DistillationError.self) { try plan(DistillationConfig(temperature: 0)) }
  }
}
