import CKernels
import Kernels

extension Tensor {
  /// Computes the mean over all elements of the cross-entropy between σ(z) and a target probability.
  ///
  /// loss = (1/n) Σ −t log σ(z) − (1 − t) log σ(−z), as PyTorch's `BCEWithLogitsLoss`, without overflow for any z.
  /// dz = (σ(z) − t) / n. Targets are constants.
  ///
  /// - Parameters:
  ///   - targets: The probabilities t, 0 ... 1, as many.
  /// - Returns: The loss, a scalar.
  public func binaryCrossEntropy(targets: Tensor) -> Tensor {
    let logits = self
    precondition(
      logits.count == targets.count,
      "Each logit needs a target, found logits \(logits.shape) and targets \(targets.shape).")
    precondition(logits.count > 0, "The binary cross-entropy of nothing is undefined.")
    let count = logits.count
    // −t log σ(z) − (1 − t) log σ(−z) = max(z, 0) − z t − log σ(|z|), whose logarithm never leaves −0.7 ... 0.
    let rest = Storage(uninitialized: count)
    RowBlocks.elements(count, as: .loss) { offset, length in
      let (z, t, part) = (logits.pointer + offset, targets.pointer + offset, rest.pointer + offset)
      for index in 0..<Int(length) { part[index] = abs(z[index]) }
      ps_activation(Activation.sigmoid.kernelCode, part, part, length)
      ps_log(part, part, length)
      for index in 0..<Int(length) {
        part[index] = max(z[index], 0) - z[index] * t[index] - part[index]
      }
    }
    let mean = ps_sum(rest.pointer, Int64(count)) / Double(count)
    let result = Tensor.result(Storage([Float(mean)]), [], from: logits)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let factor = gradient.pointer[0] / Float(count)
        RowBlocks.elements(count, as: .loss) { offset, length in
          let part = rest.pointer + offset
          ps_activation(Activation.sigmoid.kernelCode, logits.pointer + offset, part, length)
          ps_subtract(part, targets.pointer + offset, part, length)
          ps_scale(part, factor, part, length)
        }
        logits.slot?.add(rest)
      }
    }
    return result
  }
}
