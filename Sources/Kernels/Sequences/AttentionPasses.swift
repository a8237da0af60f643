import CKernels

extension AttentionKernel {
  /// Computes the output, and keeps S and P where they are asked for; a worker's scratch memory stays in cache.
  package func forward(
    query: Storage, key: Storage, value: Storage, into output: Storage, scores: Storage?,
    probabilities: Storage?
  ) {
    let (query, key, value, output) = (query.pointer, key.pointer, value.pointer, output.pointer)
    let (scores, probabilities) = (scores?.pointer, probabilities?.pointer)
    let dropping = mask.probability > 0
    let largest = largestMap
    forEachUnit { unit, scratch in
      let count = unit.queries * unit.keys
      if unit.isShort {
        var shape = kernelShape(of: unit)
        return ps_attention_forward(
          &shape, query + unit.queryRow * features + unit.column, key + unit.keyRow * features + unit.column,
          value + unit.keyRow * features + unit.column, output + unit.queryRow * features + unit.column,
          scores.map { $0 + unit.map }, probabilities.map { $0 + unit.map }, scratch)
      }
      let map = probabilities.map { $0 + unit.map } ?? scratch
      writeScores(
        unit, query + unit.queryRow * features + unit.column, key + unit.keyRow * features + unit.column,
        into: map)
      if let scores { (scores + unit.map).update(from: map, count: count) }
      softmax(unit, map)
      var weights = map
      if dropping {
        weights = scratch + largest
        ps_dropout(
          map, weights, Int64(count), mask.seed, mask.stream, unit.counter,
          mask.probability)
      }
      gemm(
        m: unit.queries, n: headSize, k: unit.keys, a: weights, lda: unit.keys,
        b: value + unit.keyRow * features + unit.column, ldb: features,
        c: output + unit.queryRow * features + unit.column, ldc: features)
    }
  }

  /// A long unit's S, [queries, keys].
  fileprivate func writeScores(
    _ unit: Unit, _ query: UnsafePointer<Float>, _ key: UnsafePointer<Float>,
    into map: UnsafeMutablePointer<Float>
  ) {
    gemm(
      transposeB: true, m: unit.queries, n: unit.keys, k: headSize, alpha: scale, a: query, lda: features,
      b: key, ldb: features, c: map, ldc: unit.keys)
  }

  /// S becomes P in place.
  fileprivate func softmax(_ unit: Unit, _ map: UnsafeMutablePointer<Float>) {
    ps_softmax(map, map, Int64(unit.queries), Int64(unit.keys), Int64(unit.keys), Int64(unit.keys), 1)
  }

  /// The gradients that reach the results of a forward pass; nil where none does.
  package struct Upstream {
    let output: Storage?
    let scores: Storage?
    let probabilities: Storage?

    /// The gradients of the output, of captured scores and of captured probabilities.
    package init(output: Storage?, scores: Storage?, probabilities: Storage?) {
      (self.output, self.scores, self.probabilities) = (output, scores, probabilities)
    }
  }

  /// A gradient to write, or to add to.
  package typealias Target = (storage: Storage, adding: Bool)

  /// Computes the gradients of queries, keys and values, each where there is a target.
  ///
  /// With W = dropout(P): dV = Wᵀ dO, dW = dO Vᵀ, dP = dropout mask · dW (+ the gradient of captured probabilities),
  /// dS = P (dP − Σ P dP) (+ the gradient of captured scores), dQ = dS K / √d, dK = dSᵀ Q / √d.
  ///
  /// - Parameters:
  ///   - probabilities: P where forward kept it; nil computes it again.
  ///   - targets: Those of the query, the key and the value.
  package func backward(
    query: Storage, key: Storage, value: Storage, probabilities: Storage?, upstream: Upstream,
    targets: [Target?]
  ) {
    let pass = Backward(
      kernel: self, query: query.pointer, key: key.pointer, value: value.pointer,
      probabilities: probabilities?.pointer, output: upstream.output?.pointer,
      scores: upstream.scores?.pointer, map: upstream.probabilities?.pointer,
      targets: targets.map { $0.map { ($0.storage.pointer, $0.adding) } })
    let largest = largestMap
    forEachUnit { unit, scratch in
      if unit.isShort { pass.short(unit, scratch) } else { pass.long(unit, scratch, largest: largest) }
    }
  }
}

/// The backward pass of single units.
private struct Backward {
  let kernel: AttentionKernel
  let query: UnsafePointer<Float>
  let key: UnsafePointer<Float>
  let value: UnsafePointer<Float>
  let probabilities: UnsafePointer<Float>?
  /// The gradients that arrive: of the output, of S and of P.
  let output: UnsafePointer<Float>?
  let scores: UnsafePointer<Float>?
  let map: UnsafePointer<Float>?
  let targets: [(pointer: UnsafeMutablePointer<Float>, adding: Bool)?]

  /// A long unit, by BLAS.
  func long(_ unit: AttentionKernel.Unit, _ scratch: UnsafeMutablePointer<Float>, largest: Int) {
    let (features, size, scale) = (kernel.features, kernel.headSize, kernel.scale)
    let (queries, keys, count) = (unit.queries, unit.keys, unit.queries * unit.keys)
    let queryStart = unit.queryRow * features + unit.column
    let keyStart = unit.keyRow * features + unit.column
    // dW, then dP and dS, in place.
    let gradient = scratch
    var p = probabilities.map { $0 + unit.map }
    if p == nil {
      let again = scratch + 2 * largest
      kernel.writeScores(unit, query + queryStart, key + keyStart, into: again)
      kernel.softmax(unit, again)
      p = UnsafePointer(again)
    }
    guard let p else { return }
    if let output {
      let upstream = output + queryStart
      if let target = targets[2] {
        var weights = p
        if kernel.mask.probability > 0 {
          drop(p, scratch + largest, count, unit)
          weights = UnsafePointer(scratch + largest)
        }
        gemm(
          transposeA: true, m: keys, n: size, k: queries, a: weights, lda: keys, b: upstream, ldb: features,
          beta: target.adding ? 1 : 0, c: target.pointer + keyStart, ldc: features)
      }
      gemm(
        transposeB: true, m: queries, n: keys, k: size, a: upstream, lda: features, b: value + keyStart,
        ldb: features, c: gradient, ldc: keys)
      if kernel.mask.probability > 0 { drop(gradient, gradient, count, unit) }
    } else {
      ps_fill(gradient, 0, Int64(count))
      if let target = targets[2], !target.adding {
        for row in 0..<keys {
          (target.pointer + keyStart + row * features).update(repeating: 0, count: size)
        }
      }
    }
    if let map { ps_add(gradient, map + unit.map, gradient, Int64(count)) }
    let length = Int64(keys)
    ps_softmax_backward(p, gradient, gradient, Int64(queries), length, length, length, length, 1)
    if let scores { ps_add(gradient, scores + unit.map, gradient, Int64(count)) }
    if let target = targets[0] {
      gemm(
        m: queries, n: size, k: keys, alpha: scale, a: gradient, lda: keys, b: key + keyStart, ldb: features,
        beta: target.adding ? 1 : 0, c: target.pointer + queryStart, ldc: features)
    }
    if let target = targets[1] {
      gemm(
        transposeA: true, m: keys, n: size, k: queries, alpha: scale, a: gradient, lda: keys,
        b: query + queryStart, ldb: features, beta: target.adding ? 1 : 0, c: target.pointer + keyStart,
        ldc: features)
    }
  }

  /// A short unit, by the kernel in C.
  func short(_ unit: AttentionKernel.Unit, _ scratch: UnsafeMutablePointer<Float>) {
    let queryStart = unit.queryRow * kernel.features + unit.column
    let keyStart = unit.keyRow * kernel.features + unit.column
    var accumulate: Int32 = 0
    for (bit, target) in targets.enumerated() where target?.adding == true { accumulate |= 1 << Int32(bit) }
    var shape = kernel.kernelShape(of: unit)
    ps_attention_backward(
      &shape, query + queryStart, key + keyStart, value + keyStart, probabilities.map { $0 + unit.map },
      output.map { $0 + queryStart }, map.map { $0 + unit.map }, scores.map { $0 + unit.map },
      targets[0].map { $0.pointer + queryStart }, targets[1].map { $0.pointer + keyStart },
      targets[2].map { $0.pointer + keyStart }, accumulate, scratch)
  }

  private func drop(
    _ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ count: Int,
    _ unit: AttentionKernel.Unit
  ) {
    let mask = kernel.mask
    ps_dropout(from, to, Int64(count), mask.seed, mask.stream, unit.counter, mask.probability)
  }
}
