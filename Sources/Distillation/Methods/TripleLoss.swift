import Datasets
public import Encoders
import ModelFormats
import Tasks
import Training

/// DistilBERT's loss for a student of a masked language model, before there is any task.
///
/// alpha_ce · T² · KL(teacher ‖ student) + alpha_mlm · CE(hidden words) + alpha_cos · (1 - cos(last hidden states))
///
/// Both models read the same masked tokens. The first two are means over the hidden tokens (the KL over all tokens, if asked
/// for), the third over all tokens, special ones included (Sanh and others 2019, *DistilBERT, a distilled version of BERT*;
/// names, defaults and definitions are those of Hugging Face's distillation script and its recipe). What is minimised has
/// the teacher's cross-entropy in the place of the KL, which is larger by a constant; the log has both. Where the widths of
/// the models differ, a linear projection, which is not exported, brings the student's states to the teacher's.
/// With alpha_ce 0 nothing is asked of the teacher's head, so any encoder can teach its layers.
///
/// Matches of further layers come on top, or with weights of 0 in its place: on plain text MiniLM's and MiniLMv2's relations, and
/// the general stage of TinyBERT.
public struct TripleLoss: Sendable, Equatable {
  /// T, the divisor of both sides' logits.
  public var temperature: Double
  /// The weight of the KL.
  public var alphaCE: Double
  /// The weight of the cross-entropy of the hidden words.
  public var alphaMLM: Double
  /// The weight of the cosine distance.
  public var alphaCos: Double
  /// Whether the KL is over the hidden tokens alone; `restrict_ce_to_mask`.
  public var restrictsCEToMask: Bool
  /// Matches of the teacher's layers beside its last states.
  public var matches: [MatchSource]

  /// A loss with the weights of DistilBERT's recipe.
  public init(
    temperature: Double = 2, alphaCE: Double = 5, alphaMLM: Double = 2, alphaCos: Double = 1,
    restrictsCEToMask: Bool = true, matches: [MatchSource] = []
  ) {
    self.temperature = temperature
    self.alphaCE = alphaCE
    self.alphaMLM = alphaMLM
    self.alphaCos = alphaCos
    self.restrictsCEToMask = restrictsCEToMask
    self.matches = matches
  }

  /// Configuration of the distiller: a loss from the labels, logits and last layers of two models.
  func config(teacher: ModelDescription, student: ModelDescription) -> DistillationConfig {
    let needsProjection = teacher.hiddenSize != student.hiddenSize
    let match = IntermediateMatch(
      teacherLayer: teacher.layers, studentLayer: student.layers, loss: .cos, weight: alphaCos,
      projection: needsProjection ? ProjectionConfig(.linear) : nil)
    return DistillationConfig(
      temperature: temperature, kdLossWeight: alphaCE, hardLabelWeight: alphaMLM,
      matches: (alphaCos == 0 ? [] : [.match(match)]) + matches)
  }

  /// The distiller of two masked language models that read the same tokens; it takes batches of masked sequences.
  ///
  /// - Parameters:
  ///   - teacher: The model that is imitated.
  ///   - student: The model that learns.
  ///   - descriptions: What they are called, with their vocabularies; by default their own sizes alone.
  ///   - seed: Decides a projection's initial weights.
  /// - Throws: `DistillationError.invalidConfiguration` with every fault.
  public func distiller(
    teacher: TaskModel, student: TaskModel,
    descriptions: (teacher: ModelDescription, student: ModelDescription)? = nil, seed: UInt64 = 42
  ) throws(DistillationError) -> GeneralDistiller {
    let (own, other) =
      descriptions ?? (ModelDescription(teacher, name: "teacher"), ModelDescription(student, name: "student"))
    // A teacher that is not asked for words needs no head to guess them.
    for (name, model) in (alphaCE == 0 ? [] : [("teacher", teacher)]) + [("student", student)]
    where !model.config.taskFamily.answersWithTokens {
      throw .invalidConfiguration([
        Fault(
          name, "its head is \(model.head.rawValue), expected a masked language model's to guess hidden words"
        )
      ])
    }
    let faults = self.faults
    if !faults.isEmpty { throw .invalidConfiguration(faults) }
    let distiller = try GeneralDistiller(
      config(teacher: own, student: other), teacher: LiveTeacher(teacher, description: own), student: student,
      description: other, seed: seed)
    // With a class for some tokens, a head answers all of them; with words for some places, only these.
    if !restrictsCEToMask { distiller.targets = { ClassTargets($0.tags) } }
    return distiller
  }

  /// Faults, under the names of the options.
  private var faults: [Fault] {
    let weights = [("alpha_ce", alphaCE), ("alpha_mlm", alphaMLM), ("alpha_cos", alphaCos)]
    var faults = weights.compactMap { name, weight in
      NumberLimits.weightFault(weight).map { Fault(name, $0) }
    }
    if let fault = NumberLimits.temperatureFault(temperature) {
      faults.append(Fault("temperature", fault))
    }
    if faults.isEmpty, matches.isEmpty, weights.allSatisfy({ $0.1 == 0 }) {
      faults.append(Fault("alpha_ce", "every weight is 0, so there is nothing to learn"))
    }
    return faults
  }
}
