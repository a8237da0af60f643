import Encoders
import Tasks

extension DistillationConfig {
  /// Everything that is wrong or doubtful about this configuration for two models, at once.
  ///
  /// - Parameters:
  ///   - teacher: The teacher's sizes and names.
  ///   - student: The student's.
  ///   - hasLabels: Whether any training example has a label; nil when that is not known yet.
  ///   - isAligned: Whether teacher and student read different tokens, which are aligned.
  /// - Returns: Faults, which keep a run from starting, and warnings.
  public func validate(
    teacher: ModelDescription, student: ModelDescription, hasLabels: Bool? = nil,
    isAligned: Bool = false
  ) -> [DistillationFault] {
    let resolver = MatchResolver(self, teacher: teacher, student: student)
    var faults = readingFaults + numberFaults() + resolver.faults
    faults += goalFaults(hasLabels: hasLabels)
    faults += modelFaults(
      teacher, student, usesTokens: !isAligned && (usesTeacherLogits || !matches.isEmpty))
    if isAligned { faults += alignmentFaults(teacher, resolver.matches, resolver.customMatches) }
    return faults
  }

  /// The matches as they apply to two models; only meaningful when `validate` finds no fault.
  public func resolvedMatches(teacher: ModelDescription, student: ModelDescription) -> [ResolvedMatch] {
    MatchResolver(self, teacher: teacher, student: student).matches
  }

  /// The matches by modules' names as they apply to two models; only meaningful when `validate` finds no fault.
  func resolvedCustomMatches(
    teacher: ModelDescription, student: ModelDescription
  ) -> [ResolvedCustomMatch] {
    MatchResolver(self, teacher: teacher, student: student).customMatches
  }

  /// Whether the KD loss can ever count.
  package var usesTeacherLogits: Bool { counts(kdLossWeight, kdLossWeightSchedule) }

  /// Whether the labels can ever count.
  package var usesLosses: Bool { counts(hardLabelWeight, hardLabelWeightSchedule) }

  /// Whether a weight can ever be more than 0; TextBrewer's schedules replace the weight that they are given.
  private func counts(_ weight: Double, _ schedule: WeightSchedule) -> Bool {
    weight > 0 || (compatibility == .textbrewer && schedule != .none)
  }

  private func numberFaults() -> [DistillationFault] {
    var faults: [DistillationFault] = []
    if let fault = NumberLimits.temperatureFault(temperature) {
      faults.append(DistillationFault("temperature", fault))
    }
    for (key, weight) in [("kd_loss_weight", kdLossWeight), ("hard_label_weight", hardLabelWeight)] {
      if let fault = NumberLimits.weightFault(weight) { faults.append(DistillationFault(key, fault)) }
    }
    for (key, weight, schedule) in [
      ("kd_loss_weight", kdLossWeight, kdLossWeightSchedule),
      ("hard_label_weight", hardLabelWeight, hardLabelWeightSchedule),
    ] where weight == 0 && schedule != .none && compatibility != .textbrewer {
      faults.append(
        DistillationFault(
          "\(key)_scheduler",
          "\(schedule.rawValue) scales a weight of 0, so this loss never counts; give \(key) (1 is TextBrewer's end "
            + "of a growth, which \"compatibility\": \"textbrewer\" reaches from 0)", severity: .warning))
    }
    return faults + temperatureSchedule.faults + kdLossOptions.faults(for: kdLossType)
  }

  /// What needs labels although there are none.
  func labelFaults(hasLabels: Bool?) -> [DistillationFault] {
    guard hasLabels == false else { return [] }
    var faults: [DistillationFault] = []
    if usesLosses {
      faults.append(
        DistillationFault(
          "hard_label_weight",
          "is \(hardLabelWeight), but no training example has a label; set it to 0 or give "
            + "labelled data"))
    }
    if probabilityShift {
      faults.append(DistillationFault("probability_shift", "needs labels, but no training example has one"))
    }
    return faults
  }

  private func goalFaults(hasLabels: Bool?) -> [DistillationFault] {
    var faults: [DistillationFault] = []
    let matchWeights = matches.contains { source in
      switch source {
      case .match(let match): match.weight > 0
      case .custom(let match): match.weight > 0
      case .map(_, _, let weight, _): weight > 0
      case .preset: true
      }
    }
    if !usesTeacherLogits && !usesLosses && !matchWeights {
      faults.append(
        DistillationFault(
          "kd_loss_weight",
          "every weight is 0, so there is nothing to learn; give kd_loss_weight, hard_label_weight "
            + "or a match a positive weight"))
    }
    faults += labelFaults(hasLabels: hasLabels)
    if probabilityShift && !usesTeacherLogits {
      faults.append(
        DistillationFault(
          "probability_shift", "has no effect while kd_loss_weight is 0", severity: .warning))
    }
    return faults
  }

  private func modelFaults(
    _ teacher: ModelDescription, _ student: ModelDescription, usesTokens: Bool
  ) -> [DistillationFault] {
    var faults: [DistillationFault] = []
    if usesTeacherLogits {
      faults += outputFaults(teacher, student)
      if teacher.hasFreshHead {
        faults.append(
          DistillationFault(
            "teacher",
            "\(teacher.name) has no trained head, so its logits are random; fine-tune it first "
              + "(potstill train), or set kd_loss_weight to 0"))
      }
    }
    guard usesTokens else { return faults }
    if let own = teacher.vocabulary, let other = student.vocabulary {
      if let index = zip(own, other).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset {
        faults.append(
          DistillationFault(
            "student",
            "its vocabulary is not the teacher's: token \(index) is \"\(other[index])\", the teacher's is "
              + "\"\(own[index])\"; share one tokenizer, or give the texts as the teacher reads them (AlignedExamples)"
          ))
      } else if own.count != other.count {
        faults.append(
          DistillationFault(
            "student",
            "its vocabulary has \(other.count) tokens, the teacher's \(own.count); share one tokenizer, or give "
              + "the texts as the teacher reads them (AlignedExamples)"))
      }
    } else if teacher.vocabularySize != student.vocabularySize {
      faults.append(
        DistillationFault(
          "student",
          "it has embeddings for \(student.vocabularySize) tokens, the teacher for "
            + "\(teacher.vocabularySize); share one tokenizer, or give the texts as the teacher reads them "
            + "(AlignedExamples)"))
    }
    return faults
  }

  /// What keeps the logits of two models from being compared.
  private func outputFaults(_ teacher: ModelDescription, _ student: ModelDescription) -> [DistillationFault] {
    guard teacher.head == student.head else {
      return [
        DistillationFault(
          "student",
          "its head is \(student.head.rawValue), the teacher's \(teacher.head.rawValue); logits of different "
            + "heads cannot be compared")
      ]
    }
    let family = student.family
    var faults: [DistillationFault] = []
    if family.problemType != nil, teacher.problem != student.problem {
      faults.append(
        DistillationFault(
          "student",
          "its problem_type is \(student.problem.rawValue), the teacher's \(teacher.problem.rawValue)"))
    }
    if family.namesOutputs {
      faults += Self.labelFaults(teacher.labels, student.labels)
    }
    let hasClasses = family.form.hasClasses
    if probabilityShift, !hasClasses {
      faults.append(
        DistillationFault(
          "probability_shift", "needs one right class, which \(student.problem.rawValue) has not"))
    }
    let hasRows = family.form == .classes
    if kdLossType.needsClasses && !hasRows || !hasClasses && kdLossType != .ce && kdLossType != .mse {
      faults.append(
        DistillationFault(
          "kd_loss_type", "\(kdLossType.rawValue) needs rows of classes; use ce or mse for this head"))
    }
    if logitStandardization, !hasRows {
      faults.append(
        DistillationFault(
          "logit_standardization", "needs rows of classes; set it to false for this head"))
    }
    if temperatureSchedule != .constant, kdLossType == .dist {
      faults.append(
        DistillationFault(
          "temperature_scheduler", "gives each row its own temperature, but dist compares whole batches"))
    }
    if kdLossType == .dkd, hasRows, student.labels.count == 2, !family.answersWithTokens {
      faults.append(
        DistillationFault(
          "kd_loss_type", "dkd of two classes is plain distillation; ce does the same faster",
          severity: .warning))
    }
    if temperatureSchedule != .constant, !hasRows {
      faults.append(
        DistillationFault(
          "temperature_scheduler", "needs rows of classes; set it to none for this head"))
    }
    if cacheTeacherLogits, family.answersWithTokens {
      faults.append(
        DistillationFault(
          "cache_teacher_logits",
          "keeps logits by example, but which words are masked changes from epoch to epoch; set it to false"))
    }
    return faults
  }

  private static func labelFaults(_ teacher: [String], _ student: [String]) -> [DistillationFault] {
    guard teacher.count == student.count else {
      return [
        DistillationFault(
          "student",
          "it has \(student.count) labels (\(student.joined(separator: ", "))), the teacher "
            + "\(teacher.count) (\(teacher.joined(separator: ", "))); logits can only be compared label by label"
        )
      ]
    }
    // Checkpoints that never named their labels say nothing about the order.
    let isGeneric = { (labels: [String]) in labels.allSatisfy { $0.uppercased().hasPrefix("LABEL_") } }
    if isGeneric(teacher) || isGeneric(student) { return [] }
    if teacher.map({ $0.lowercased() }) == student.map({ $0.lowercased() }) { return [] }
    return [
      DistillationFault(
        "student",
        "its labels are \(student.joined(separator: ", ")), the teacher's \(teacher.joined(separator: ", ")); "
          + "both must have the same labels in the same order")
    ]
  }
}
