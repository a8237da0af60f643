import CKernels

/// Softmax of rows, shared among workers.
package enum SoftmaxKernel {
  /// y = softmax(x) per row.
  package static func softmax(_ x: Storage, rows: Int, columns: Int, into y: Storage) {
    RowBlocks.rows(rows, columns: columns) { range in
      let (start, c) = (range.lowerBound * columns, Int64(columns))
      ps_softmax(x.pointer + start, y.pointer + start, Int64(range.count), c, c, c, 1)
    }
  }

  /// dx = y (dy − Σ y dy) per row, in the place of dy.
  package static func softmaxGradient(_ y: Storage, replacing dy: Storage, rows: Int, columns: Int) {
    RowBlocks.rows(rows, columns: columns) { range in
      let (start, c) = (range.lowerBound * columns, Int64(columns))
      let dy = dy.pointer + start
      ps_softmax_backward(y.pointer + start, dy, dy, Int64(range.count), c, c, c, c, 1)
    }
  }

  /// y = log softmax(x) per row.
  package static func logSoftmax(
    _ x: Storage, rows: Int, columns: Int, into y: Storage, as kind: WorkKind = .elementwise
  ) {
    RowBlocks.rows(rows, columns: columns, as: kind) { range in
      let start = range.lowerBound * columns
      ps_log_softmax(x.pointer + start, y.pointer + start, Int64(range.count), Int64(columns), 1)
    }
  }

  /// dx = dy − eʸ Σ dy per row, in the place of dy.
  package static func logSoftmaxGradient(_ y: Storage, replacing dy: Storage, rows: Int, columns: Int) {
    let probabilities = Storage(uninitialized: y.count)
    RowBlocks.rows(rows, columns: columns) { range in
      let (first, length) = (range.lowerBound * columns, Int64(range.count * columns))
      ps_exp(y.pointer + first, probabilities.pointer + first, length)
      for row in range {
        let (dy, p) = (dy.pointer + row * columns, probabilities.pointer + row * columns)
        ps_axpy(-Float(ps_sum(dy, Int64(columns))), p, dy, Int64(columns))
      }
    }
  }
}

/// Cross-entropies of rows and of sequences, with their gradients.
package enum CrossEntropy {
  // MARK: Labels

  /// log softmax(z) of rows, and −Σ of its values at the labels.
  ///
  /// - Parameter labels: The class of each row; rows with `ignored` do not count.
  package static func labels(
    _ z: Storage, labels: [Int32], ignored: Int32, columns: Int
  ) -> (total: Double, logs: Storage) {
    let logs = Storage(uninitialized: z.count)
    SoftmaxKernel.logSoftmax(z, rows: labels.count, columns: columns, into: logs, as: .loss)
    var total = 0.0
    for (row, label) in labels.enumerated() where label != ignored {
      total -= Double(logs.pointer[row * columns + Int(label)])
    }
    return (total, logs)
  }

  /// dz = factor (softmax(z) − onehot), 0 for rows that do not count.
  package static func labelGradient(
    _ logs: Storage, labels: [Int32], ignored: Int32, columns: Int, factor: Float
  ) -> Storage {
    let dz = Storage(uninitialized: logs.count)
    RowBlocks.rows(labels.count, columns: columns, as: .loss) { range in
      for row in range {
        let (label, target) = (labels[row], dz.pointer + row * columns)
        guard label != ignored else {
          target.update(repeating: 0, count: columns)
          continue
        }
        ps_exp(logs.pointer + row * columns, target, Int64(columns))
        target[Int(label)] -= 1
        ps_scale(target, factor, target, Int64(columns))
      }
    }
    return dz
  }

  // MARK: Weighted and smoothed labels

  /// log softmax(z) of rows, Σ −(1 − ε) w_y log p_y − ε/C Σ_c w_c log p_c over rows with a label y, and Σ w_y.
  ///
  /// - Parameters:
  ///   - labels: The class of each row; rows with `ignored` do not count.
  ///   - weights: w of each of the C classes.
  ///   - smoothing: ε, 0 ... 1.
  package static func weighted(
    _ z: Storage, labels: [Int32], ignored: Int32, weights: [Float], smoothing: Double
  ) -> (total: Double, weight: Double, logs: Storage) {
    let (columns, logs) = (weights.count, Storage(uninitialized: z.count))
    SoftmaxKernel.logSoftmax(z, rows: labels.count, columns: columns, into: logs, as: .loss)
    var (total, weight) = (0.0, 0.0)
    let share = smoothing / Double(columns)
    for (row, label) in labels.enumerated() where label != ignored {
      let (own, line) = (Double(weights[Int(label)]), logs.pointer + row * columns)
      weight += own
      total -= (1 - smoothing) * own * Double(line[Int(label)])
      if share > 0 { total -= share * ps_dot(weights, line, Int64(columns)) }
    }
    return (total, weight, logs)
  }

  /// dz_c = factor (((1 − ε) w_y + ε/C Σ w) softmax(z)_c − (1 − ε) w_y [c = y] − ε/C w_c), 0 for rows that do not count.
  package static func weightedGradient(
    _ logs: Storage, labels: [Int32], ignored: Int32, weights: [Float], smoothing: Double, factor: Float
  ) -> Storage {
    let (columns, dz) = (weights.count, Storage(uninitialized: logs.count))
    let share = Float(smoothing / Double(columns))
    let spread = Float(smoothing / Double(columns) * weights.reduce(0) { $0 + Double($1) })
    RowBlocks.rows(labels.count, columns: columns, as: .loss) { range in
      for row in range {
        let (label, target) = (labels[row], dz.pointer + row * columns)
        guard label != ignored else {
          target.update(repeating: 0, count: columns)
          continue
        }
        let own = Float(1 - smoothing) * weights[Int(label)]
        ps_exp(logs.pointer + row * columns, target, Int64(columns))
        ps_scale(target, own + spread, target, Int64(columns))
        target[Int(label)] -= own
        if share > 0 { ps_axpy(-share, weights, target, Int64(columns)) }
        ps_scale(target, factor, target, Int64(columns))
      }
    }
    return dz
  }

  // MARK: Positions

  /// log softmax(z) within each sequence, and −Σ of its values at the targets.
  ///
  /// - Parameter targets: The row of each sequence's target; nil leaves a sequence out.
  package static func positions(
    _ z: Storage, sequences: [Range<Int>], targets: [Int?]
  ) -> (total: Double, logs: Storage) {
    let logs = Storage(uninitialized: z.count)
    RowBlocks.rows(sequences.count, columns: z.count / max(1, sequences.count), as: .loss) { range in
      for rows in sequences[range] {
        let start = rows.lowerBound
        ps_log_softmax(z.pointer + start, logs.pointer + start, 1, Int64(rows.count), 1)
      }
    }
    var total = 0.0
    for case let row? in targets { total -= Double(logs.pointer[row]) }
    return (total, logs)
  }

  /// dz = factor (softmax(z) − onehot), 0 for sequences that are left out.
  package static func positionGradient(
    _ logs: Storage, sequences: [Range<Int>], targets: [Int?], factor: Float
  ) -> Storage {
    let dz = Storage(uninitialized: logs.count)
    ps_exp(logs.pointer, dz.pointer, Int64(logs.count))
    for (rows, target) in zip(sequences, targets) {
      if let target { dz.pointer[target] -= 1 }
      let part = dz.pointer + rows.lowerBound
      ps_scale(part, target == nil ? 0 : factor, part, Int64(rows.count))
    }
    return dz
  }

  // MARK: Distributions

  /// p = softmax(z_T/τ), log q = log softmax(z_S/τ) of rows, and −Σ p log q.
  package static func soft(
    student: Storage, teacher: Storage, temperature: Float, rows: Int, columns: Int
  ) -> (total: Double, p: Storage, logQ: Storage) {
    let (p, logQ) = (Storage(uninitialized: rows * columns), Storage(uninitialized: rows * columns))
    // Each row's part for itself, so that the sum does not depend on how rows are shared out.
    var products = [Double](repeating: 0, count: rows)
    products.withUnsafeMutableBufferPointer { products in
      RowBlocks.rows(rows, columns: columns, as: .loss) { range in
        let (start, r, c) = (range.lowerBound * columns, Int64(range.count), Int64(columns))
        ps_softmax(teacher.pointer + start, p.pointer + start, r, c, c, c, 1 / temperature)
        ps_log_softmax(student.pointer + start, logQ.pointer + start, r, c, 1 / temperature)
        for row in range {
          products[row] = ps_dot(p.pointer + row * columns, logQ.pointer + row * columns, c)
        }
      }
    }
    return (-products.reduce(0, +), p, logQ)
  }

  /// The same over the rows of each sequence, none of which is empty.
  package static func soft(
    student: Storage, teacher: Storage, temperature: Float, sequences: [Range<Int>]
  ) -> (total: Double, p: Storage, logQ: Storage) {
    let count = student.count
    let (p, logQ) = (Storage(uninitialized: count), Storage(uninitialized: count))
    RowBlocks.rows(sequences.count, columns: count / sequences.count, as: .loss) { range in
      for rows in sequences[range] {
        let (start, n) = (rows.lowerBound, Int64(rows.count))
        ps_softmax(teacher.pointer + start, p.pointer + start, 1, n, n, n, 1 / temperature)
        ps_log_softmax(student.pointer + start, logQ.pointer + start, 1, n, 1 / temperature)
      }
    }
    return (-ps_dot(p.pointer, logQ.pointer, Int64(count)), p, logQ)
  }

  /// dz_S = factor (q − p).
  package static func softGradient(p: Storage, logQ: Storage, factor: Float) -> Storage {
    let dz = Storage(uninitialized: p.count)
    RowBlocks.elements(p.count, as: .loss) { offset, count in
      let part = dz.pointer + offset
      ps_exp(logQ.pointer + offset, part, count)
      ps_subtract(part, p.pointer + offset, part, count)
      ps_scale(part, factor, part, count)
    }
    return dz
  }

  // MARK: Labels side by side

  /// Σ −t log σ(z) − (1 − t) log σ(−z), without overflow for any z, and a buffer for the gradient.
  package static func binary(_ z: Storage, targets t: Storage) -> (total: Double, buffer: Storage) {
    let count = z.count
    // −t log σ(z) − (1 − t) log σ(−z) = max(z, 0) − z t − log σ(|z|), whose logarithm never leaves −0.7 ... 0.
    let rest = Storage(uninitialized: count)
    RowBlocks.elements(count, as: .loss) { offset, length in
      let (z, t, part) = (z.pointer + offset, t.pointer + offset, rest.pointer + offset)
      for index in 0..<Int(length) { part[index] = abs(z[index]) }
      ps_activation(ActivationKernel.sigmoid.rawValue, part, part, length)
      ps_log(part, part, length)
      for index in 0..<Int(length) {
        part[index] = max(z[index], 0) - z[index] * t[index] - part[index]
      }
    }
    return (ps_sum(rest.pointer, Int64(count)), rest)
  }

  /// Σ −w t log σ(z) − (1 − t) log σ(−z), without overflow for any z, w a weight of each column.
  package static func weightedBinary(_ z: Storage, targets t: Storage, positive weights: [Float]) -> Double {
    let rest = Storage(uninitialized: z.count)
    RowBlocks.elements(z.count, as: .loss) { offset, length in
      let (z, t, part) = (z.pointer + offset, t.pointer + offset, rest.pointer + offset)
      for index in 0..<Int(length) { part[index] = abs(z[index]) }
      ps_activation(ActivationKernel.sigmoid.rawValue, part, part, length)
      ps_log(part, part, length)
      for index in 0..<Int(length) {
        // −log σ(z) = max(−z, 0) − log σ(|z|).
        let factor = 1 + (weights[(offset + index) % weights.count] - 1) * t[index]
        part[index] = (1 - t[index]) * z[index] + factor * (max(-z[index], 0) - part[index])
      }
    }
    return ps_sum(rest.pointer, Int64(z.count))
  }

  /// dz = factor ((1 − t) − (1 + (w − 1) t) (1 − σ(z))), w a weight of each column.
  package static func weightedBinaryGradient(
    _ z: Storage, targets t: Storage, positive weights: [Float], factor: Float
  ) -> Storage {
    let dz = Storage(uninitialized: z.count)
    RowBlocks.elements(z.count, as: .loss) { offset, length in
      let (t, part) = (t.pointer + offset, dz.pointer + offset)
      ps_activation(ActivationKernel.sigmoid.rawValue, z.pointer + offset, part, length)
      for index in 0..<Int(length) {
        let weight = 1 + (weights[(offset + index) % weights.count] - 1) * t[index]
        part[index] = factor * (1 - t[index] - weight * (1 - part[index]))
      }
    }
    return dz
  }

  /// dz = factor (σ(z) − t).
  package static func binaryGradient(_ z: Storage, targets t: Storage, factor: Float, into dz: Storage) {
    RowBlocks.elements(z.count, as: .loss) { offset, length in
      let part = dz.pointer + offset
      ps_activation(ActivationKernel.sigmoid.rawValue, z.pointer + offset, part, length)
      ps_subtract(part, t.pointer + offset, part, length)
      ps_scale(part, factor, part, length)
    }
  }
}
