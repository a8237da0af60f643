import Kernels

// MARK: Against labels

extension Tensor {
  /// The mean cross-entropy of softmax(z), z these logits [rows, classes], against class labels, over the rows that have one.
  ///
  /// loss = −(1/n) Σ log softmax(z)_label over the n rows whose label is not `ignoreIndex`; 0 when there are none
  /// (PyTorch gives NaN there, which would poison a batch of unlabelled examples). dz = (softmax(z) − onehot) / n.
  ///
  /// With weights w of the classes and smoothing ε it is PyTorch's `CrossEntropyLoss(weight, label_smoothing)`, and with ε alone
  /// transformers' `LabelSmoother`: loss = (1/Σ w_y) Σ −(1 − ε) w_y log p_y − (ε/C) Σ_c w_c log p_c over rows of label y,
  /// p = softmax(z), C classes; dz_c = (((1 − ε) w_y + (ε/C) Σ w) p_c − (1 − ε) w_y [c = y] − (ε/C) w_c) / Σ w_y.
  ///
  /// - Parameters:
  ///   - labels: One class in 0 ..< classes per row, or `ignoreIndex`, [rows].
  ///   - weights: A weight above 0 of each class, [classes]; nil weighs all alike.
  ///   - smoothing: The share ε of each label that all classes divide, 0 ... 1.
  ///   - ignoreIndex: The label of rows that do not count.
  public func softmaxCrossEntropy(
    labels: [Int32], weights: [Float]? = nil, smoothing: Double = 0, ignoreIndex: Int32 = -100
  ) -> Tensor {
    let (rows, classes) = (shape.rowCount, shape.lastDimension)
    precondition(
      labels.count == rows, "Cross-entropy needs a label per row: \(rows) rows, \(labels.count) labels.")
    let counted = labels.filter { $0 != ignoreIndex }
    precondition(
      counted.allSatisfy { $0 >= 0 && Int($0) < classes },
      "Every label must lie in 0 ..< \(classes), found \(counted.min() ?? 0) to \(counted.max() ?? 0).")
    if weights != nil || smoothing != 0 {
      return weightedCrossEntropy(
        labels, weights ?? [Float](repeating: 1, count: classes), smoothing, ignoreIndex)
    }
    let (total, logs) = CrossEntropy.labels(storage, labels: labels, ignored: ignoreIndex, columns: classes)
    let count = max(1, counted.count)
    return loss(total / Double(count)) { dy in
      CrossEntropy.labelGradient(
        logs, labels: labels, ignored: ignoreIndex, columns: classes, factor: dy / Float(count))
    }
  }

  private func weightedCrossEntropy(
    _ labels: [Int32], _ weights: [Float], _ smoothing: Double, _ ignored: Int32
  ) -> Tensor {
    precondition(
      weights.count == shape.lastDimension && weights.allSatisfy { $0 > 0 && $0.isFinite },
      "Each of the \(shape.lastDimension) classes needs a finite weight above 0, found \(weights).")
    precondition(
      (0...1).contains(smoothing), "The smoothing of labels lies in 0 ... 1, found \(smoothing).")
    let (total, weight, logs) = CrossEntropy.weighted(
      storage, labels: labels, ignored: ignored, weights: weights, smoothing: smoothing)
    let divisor = weight > 0 ? weight : 1
    return loss(total / divisor) { dy in
      CrossEntropy.weightedGradient(
        logs, labels: labels, ignored: ignored, weights: weights, smoothing: smoothing,
        factor: dy / Float(divisor))
    }
  }

  /// The mean cross-entropy of a softmax over the rows of each sequence against one position in it.
  ///
  /// This is how a span's start and end are learnt (Devlin and others 2019, section 4.2), z these scores, one a row, [rows]:
  /// loss = −(1/n) Σ log softmax(z)_target over the n sequences whose target lies inside them; 0 when there are none.
  /// dz = (softmax(z) − onehot) / n.
  ///
  /// - Parameters:
  ///   - starts: Where each sequence begins, and the number of rows, [sequences + 1].
  ///   - targets: A position counted from its sequence's first row, or one outside it, which leaves the sequence out,
  ///     [sequences].
  public func positionCrossEntropy(starts: [Int32], targets: [Int32]) -> Tensor {
    let sequences = sequenceRows(starts)
    precondition(
      targets.count == sequences.count,
      "Each of the \(sequences.count) sequences needs a position, found \(targets.count).")
    let labelled = zip(sequences, targets).map { rows, target in
      target >= 0 && Int(target) < rows.count ? rows.lowerBound + Int(target) : nil
    }
    let (total, logs) = CrossEntropy.positions(storage, sequences: sequences, targets: labelled)
    let count = max(1, labelled.count { $0 != nil })
    return loss(total / Double(count)) { dy in
      CrossEntropy.positionGradient(
        logs, sequences: sequences, targets: labelled, factor: dy / Float(count))
    }
  }

  /// The mean over all elements of the cross-entropy between σ(z), z these logits, and a target probability.
  ///
  /// loss = (1/n) Σ −t log σ(z) − (1 − t) log σ(−z), as PyTorch's `BCEWithLogitsLoss`, without overflow for any z.
  /// dz = (σ(z) − t) / n. Targets are constants. With weights w of the columns it is that loss with `pos_weight`:
  /// (1/n) Σ −w t log σ(z) − (1 − t) log σ(−z), dz = (1 − t − (1 + (w − 1) t) σ(−z)) / n.
  ///
  /// - Parameters:
  ///   - targets: The probabilities t, 0 ... 1, as many.
  ///   - weights: A weight above 0 of what holds in each column; nil weighs it as what does not.
  public func binaryCrossEntropy(targets: Tensor, positiveWeights weights: [Float]? = nil) -> Tensor {
    precondition(
      count == targets.count, "Each logit needs a target, found logits \(shape) and targets \(targets.shape)."
    )
    precondition(count > 0, "The binary cross-entropy of nothing is undefined.")
    if let weights {
      precondition(
        weights.count == shape.lastDimension && weights.allSatisfy { $0 > 0 && $0.isFinite },
        "Each of the \(shape.lastDimension) columns needs a finite weight above 0, found \(weights).")
      let total = CrossEntropy.weightedBinary(storage, targets: targets.storage, positive: weights)
      return loss(total / Double(count)) { dy in
        CrossEntropy.weightedBinaryGradient(
          storage, targets: targets.storage, positive: weights, factor: dy / Float(count))
      }
    }
    let (total, buffer) = CrossEntropy.binary(storage, targets: targets.storage)
    return loss(total / Double(count)) { dy in
      CrossEntropy.binaryGradient(storage, targets: targets.storage, factor: dy / Float(count), into: buffer)
      return buffer
    }
  }
}

// MARK: Against a teacher

extension Tensor {
  /// The mean cross-entropy between the softened distributions of a teacher and these logits of a student, [rows, classes]
  /// (Hinton, Vinyals and Dean 2015).
  ///
  /// loss = −(1/R) Σ softmax(z_T/τ) · log softmax(z_S/τ) over the R rows, without the factor τ², which is the caller's
  /// choice. Its minimum is the teacher's entropy. dz_S = (softmax(z_S/τ) − softmax(z_T/τ)) / (τ R). The teacher is a
  /// constant.
  ///
  /// - Parameters:
  ///   - teacher: The teacher's logits, [rows, classes].
  ///   - temperature: τ > 0.
  public func softCrossEntropy(teacher: Tensor, temperature: Float) -> Tensor {
    precondition(
      shape == teacher.shape, "Teacher logits \(teacher.shape) must match the student's \(shape).")
    precondition(temperature > 0, "The temperature must be positive, found \(temperature).")
    let (rows, classes) = (shape.rowCount, shape.lastDimension)
    precondition(rows > 0, "The soft cross-entropy of no rows is undefined.")
    let (total, p, logQ) = CrossEntropy.soft(
      student: storage, teacher: teacher.storage, temperature: temperature, rows: rows, columns: classes)
    return loss(total / Double(rows)) { dy in
      CrossEntropy.softGradient(p: p, logQ: logQ, factor: dy / (temperature * Float(rows)))
    }
  }

  /// The mean cross-entropy between a teacher's and a student's softened distributions over the rows of each sequence.
  ///
  /// loss = −(1/B) Σ softmax(z_T/τ) · log softmax(z_S/τ) over the B sequences that have rows, without the factor τ²: what
  /// `softCrossEntropy` computes for the start or end scores of question answering, which TextBrewer gives it as [B, L].
  /// dz_S = (softmax(z_S/τ) − softmax(z_T/τ)) / (τ B), z_S these scores, one a row, [rows]. The teacher is a constant.
  ///
  /// - Parameters:
  ///   - teacher: The teacher's scores, [rows].
  ///   - starts: Where each sequence begins, and the number of rows, [sequences + 1].
  ///   - temperature: τ > 0.
  public func softPositionCrossEntropy(teacher: Tensor, starts: [Int32], temperature: Float) -> Tensor {
    precondition(
      shape == teacher.shape, "Teacher scores \(teacher.shape) must match the student's \(shape).")
    precondition(temperature > 0, "The temperature must be positive, found \(temperature).")
    let sequences = sequenceRows(starts).filter { !$0.isEmpty }
    precondition(!sequences.isEmpty, "The soft cross-entropy of no positions is undefined.")
    let (total, p, logQ) = CrossEntropy.soft(
      student: storage, teacher: teacher.storage, temperature: temperature, sequences: sequences)
    return loss(total / Double(sequences.count)) { dy in
      CrossEntropy.softGradient(p: p, logQ: logQ, factor: dy / (temperature * Float(sequences.count)))
    }
  }

  /// The rows of each sequence, once they are known to cover these scores.
  private func sequenceRows(_ starts: [Int32]) -> [Range<Int>] {
    let inOrder = starts.first == 0 && zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 }
    precondition(
      inOrder && starts.last.map { Int($0) } == count,
      "The starts of sequences must climb from 0 to the number of scores, \(count).")
    return zip(starts, starts.dropFirst()).map { Int($0)..<Int($1) }
  }

  /// A loss of this tensor, whose gradient is computed from the loss's own.
  private func loss(
    _ value: Double, _ operation: StaticString = #function, gradient: @escaping (_ dy: Float) -> Storage
  ) -> Tensor {
    let result = Tensor.result(Storage(Float(value)), [], from: self, of: operation)
    if let tape = result.tape { tape.record(result) { slot?.add(gradient($0[0])) } }
    return result
  }
}
