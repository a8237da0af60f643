import Encoders
import ModelFormats
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
  ) -> [Fault] {
    resolved(teacher: teacher, student: student, hasLabels: hasLabels, isAligned: isAligned).faults
  }

  /// The matches as they apply to two models, with everything that is wrong or doubtful; without a fault they are all there.
  ///
  /// - Parameters:
  ///   - teacher: The teacher's sizes and names.
  ///   - student: The student's.
  ///   - hasLabels: Whether any training example has a label; nil when that is not known yet.
  ///   - isAligned: Whether teacher and student read different tokens, which are aligned.
  package func resolved(
    teacher: ModelDescription, student: ModelDescription, hasLabels: Bool? = nil, isAligned: Bool = false
  ) -> (matches: [Match], faults: [Fault]) {
    let resolver = resolver(teacher: teacher, student: student)
    var faults = readingFaults + Self.settings.faults(of: self) + resolver.faults
    faults += goalFaults(hasLabels: hasLabels)
    faults += modelFaults(
      teacher, student, usesTokens: !isAligned && (usesTeacherLogits || !matches.isEmpty))
    if isAligned { faults += alignmentFaults(teacher, resolver.matches) }
    return (resolver.matches, faults)
  }

  private func resolver(teacher: ModelDescription, student: ModelDescription) -> MatchResolver {
    var index = -1
    let sources = matches.map { source in
      repeat { index += 1 } while unreadableMatches.contains(index)
      return (field: "intermediate_matches[\(index)]", source: source)
    }
    return MatchResolver(sources, teacher: teacher, student: student, compatibility: compatibility)
  }

  /// The matches as they apply to two models; only meaningful when `validate` finds no fault.
  public func resolvedMatches(teacher: ModelDescription, student: ModelDescription) -> [Match] {
    resolver(teacher: teacher, student: student).matches
  }

  /// Whether the KD loss can ever count.
  package var usesTeacherLogits: Bool { counts(kdLossWeight, kdLossWeightSchedule) }

  /// Whether the labels can ever count.
  package var usesLosses: Bool { counts(hardLabelWeight, hardLabelWeightSchedule) }

  /// Whether a weight can ever be more than 0; TextBrewer's schedules replace the weight that they are given.
  private func counts(_ weight: Double, _ schedule: WeightSchedule) -> Bool {
    weight > 0 || (compatibility == .textbrewer && schedule != .none)
  }

  /// Faults of settings that need labels although there are none.
  func labelFaults(hasLabels: Bool?) -> [Fault] {
    guard hasLabels == false else { return [] }
    var faults: [Fault] = []
    if usesLosses {
      faults.append(
        Fault(
          "hard_label_weight",
          "is \(hardLabelWeight), but no training example has a label; set it to 0 or give "
            + "labelled data"))
    }
    if probabilityShift {
      faults.append(Fault("probability_shift", "needs labels, but no training example has one"))
    }
    return faults
  }

  private func goalFaults(hasLabels: Bool?) -> [Fault] {
    var faults: [Fault] = []
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
        Fault(
          "kd_loss_weight",
          "every weight is 0, so there is nothing to learn; give kd_loss_weight, hard_label_weight "
            + "or a match a positive weight"))
    }
    faults += labelFaults(hasLabels: hasLabels)
    if probabilityShift && !usesTeacherLogits {
      faults.append(
        Fault(
          "probability_shift", "has no effect while kd_loss_weight is 0", severity: .warning))
    }
    return faults
  }

  private func modelFaults(
    _ teacher: ModelDescription, _ student: ModelDescription, usesTokens: Bool
  ) -> [Fault] {
    var faults: [Fault] = []
    if usesTeacherLogits {
      faults += outputFaults(teacher, student)
      if teacher.hasFreshHead {
        faults.append(
          Fault(
            "teacher",
            "\(teacher.name) has no trained head, so its logits are random; fine-tune it first "
              + "(potstill train), or set kd_loss_weight to 0"))
      }
    }
    guard usesTokens else { return faults }
    if let own = teacher.vocabulary, let other = student.vocabulary {
      if let index = zip(own, other).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset {
        faults.append(
          Fault(
            "student",
            "its vocabulary is not the teacher's: token \(index) is \"\(other[index])\", the teacher's is "
              + "\"\(own[index])\"; share one tokenizer, or give the texts as the teacher reads them (AlignedExamples)"
          ))
      } else if own.count != other.count {
        faults.append(
          Fault(
            "student",
            "its vocabulary has \(other.count) tokens, the teacher's \(own.count); share one tokenizer, or give "
              + "the texts as the teacher reads them (AlignedExamples)"))
      }
    } else if teacher.vocabularySize != student.vocabularySize {
      faults.append(
        Fault(
          "student",
          "it has embeddings for \(student.vocabularySize) tokens, the teacher for "
            + "\(teacher.vocabularySize); share one tokenizer, or give the texts as the teacher reads them "
            + "(AlignedExamples)"))
    }
    return faults
  }

  /// Faults that keep the logits of two models from being compared.
  private func outputFaults(_ teacher: ModelDescription, _ student: ModelDescription) -> [Fault] {
    guard teacher.head == student.head else {
      return [
        Fault(
          "student",
          "its head is \(student.head.rawValue), the teacher's \(teacher.head.rawValue); logits of different "
            + "heads cannot be compared")
      ]
    }
    let family = student.family
    var faults: [Fault] = []
    if family.problemType != nil, teacher.problem != student.problem {
      faults.append(
        Fault(
          "student",
          "its problem_type is \(student.problem.rawValue), the teacher's \(teacher.problem.rawValue)"))
    }
    if family.namesOutputs {
      faults += Self.labelFaults(teacher.labels, student.labels)
    }
    if family.form == .values, !family.namesOutputs, let own = student.logitsWidth,
      let other = teacher.logitsWidth, own != other
    {
      faults.append(
        Fault(
          "student",
          "it answers with \(own) numbers, the teacher with \(other), which are compared one by "
            + "one; choose a student of the teacher's hidden size, such as T3"))
    }
    let hasClasses = family.form.hasClasses
    if probabilityShift, !hasClasses {
      faults.append(
        Fault(
          "probability_shift", "needs one right class, which \(student.problem.rawValue) has not"))
    }
    let hasRows = family.form == .classes
    if kdLossType.needsClasses && !hasRows || !hasClasses && kdLossType != .ce && kdLossType != .mse {
      faults.append(
        Fault(
          "kd_loss_type", "\(kdLossType.rawValue) needs rows of classes; use ce or mse for this head"))
    }
    if logitStandardization, !hasRows {
      faults.append(
        Fault(
          "logit_standardization", "needs rows of classes; set it to false for this head"))
    }
    if temperatureSchedule != .constant, kdLossType == .dist {
      faults.append(
        Fault(
          "temperature_scheduler", "gives each row its own temperature, but dist compares whole batches"))
    }
    if kdLossType == .dkd, hasRows, student.labels.count == 2, !family.answersWithTokens {
      faults.append(
        Fault(
          "kd_loss_type", "dkd of two classes is plain distillation; ce does the same faster",
          severity: .warning))
    }
    if temperatureSchedule != .constant, !hasRows {
      faults.append(
        Fault(
          "temperature_scheduler", "needs rows of classes; set it to none for this head"))
    }
    if cacheTeacherLogits, family.answersWithTokens {
      faults.append(
        Fault(
          "cache_teacher_logits",
          "keeps logits by example, but which words are masked changes from epoch to epoch; set it to false"))
    }
    return faults
  }

  private static func labelFaults(_ teacher: [String], _ student: [String]) -> [Fault] {
    guard teacher.count == student.count else {
      return [
        Fault(
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
      Fault(
        "student",
        "its labels are \(student.joined(separator: ", ")), the teacher's \(teacher.joined(separator: ", ")); "
          + "both must have the same labels in the same order")
    ]
  }
}

extension DistillationConfig {
  /// Faults of comparisons between a teacher and a student that read different tokens.
  func alignmentFaults(_ teacher: ModelDescription, _ matches: [Match]) -> [Fault] {
    let reason = "compares token by token, but teacher and student read different tokens"
    var faults: [Fault] = []
    for match in matches where match.isOfLayers {
      guard let loss = match.layerLoss, loss.feature != .hidden || match.takesAllLayers else { continue }
      faults.append(
        Fault(
          "intermediate_matches",
          "\(match.lossName) \(reason), so their attention has other rows and columns; match hidden states, "
            + "which are averaged over characters, instead"))
    }
    for match in matches where !match.isOfLayers && match.rows != .sequences {
      faults.append(
        Fault(
          "intermediate_matches",
          "\(match.lossName) of \(match.teacher.name) \(reason); match hidden states by layer_T and layer_S, "
            + "which are averaged over characters, instead"))
    }
    guard usesTeacherLogits else { return faults }
    if teacher.family.answersWithTokens {
      faults.append(
        Fault(
          "kd_loss_weight",
          "the logits of masked words \(reason): they are distributions over different words; set it to 0 or give both "
            + "one tokenizer"))
    }
    if teacher.family.form == .positions, kdLossType == .mse {
      faults.append(
        Fault(
          "kd_loss_type",
          "mse \(reason); use ce, reverse_kl or jsd, for which the probabilities are moved along the characters"
        ))
    }
    return faults
  }
}
