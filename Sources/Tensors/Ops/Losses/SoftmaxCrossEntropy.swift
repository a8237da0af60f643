import CKernels
import Kernels

extension Tensor {
  /// Computes the mean cross-entropy of softmax(logits) against class labels over the rows that have one.
  ///
  /// loss = −(1/n) Σ log softmax(z)_label over the n rows whose label is not `ignoreIndex`; 0 when there are none
  /// (PyTorch gives NaN there, which would poison a batch of unlabelled examples). dz = (softmax(z) − onehot) / n.
  ///
  /// - Parameters:
  ///   - labels: One class in 0 ..< classes per row, or `ignoreIndex`, [rows].
  ///   - ignoreIndex: The label of rows that do not count.
  /// - Returns: The loss, a scalar.
  public func softmaxCrossEntropy(labels: [Int32], ignoreIndex: Int32 = -100) -> Tensor {
    let logits = self
    let (rows, classes) = (logits.shape.rowCount, logits.shape.lastDimension)
    precondition(
      labels.count == rows, "Cross-entropy needs a label per row: \(rows) rows, \(labels.count) labels.")
    let counted = labels.filter { $0 != ignoreIndex }
    precondition(
      counted.allSatisfy { $0 >= 0 && Int($0) < classes },
      "Every label must lie in 0 ..< \(classes), found \(counted.min() ?? 0) to \(counted.max() ?? 0).")
    let logProbabilities = Storage(uninitialized: rows * classes)
    RowBlocks.rows(rows, columns: classes, as: .loss) { range in
      let start = range.lowerBound * classes
      ps_log_softmax(
        logits.pointer + start, logProbabilities.pointer + start, Int64(range.count), Int64(classes), 1)
    }
    var total = 0.0
    for (row, label) in labels.enumerated() where label != ignoreIndex {
      total -= Double(logProbabilities.pointer[row * classes + Int(label)])
    }
    let count = max(1, counted.count)
    let result = Tensor.result(Storage([Float(total / Double(count))]), [], from: logits)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let factor = gradient.pointer[0] / Float(count)
        let dz = Storage(uninitialized: rows * classes)
        RowBlocks.rows(rows, columns: classes, as: .loss) { range in
          for row in range {
            let (label, target) = (labels[row], dz.pointer + row * classes)
            guard label != ignoreIndex else {
              target.update(repeating: 0, count: classes)
              continue
            }
            ps_exp(logProbabilities.pointer + row * classes, target, Int64(classes))
            target[Int(label)] -= 1
            ps_scale(target, factor, target, Int64(classes))
          }
        }
        logits.slot?.add(dz)
      }
    }
    return result
  }
}
