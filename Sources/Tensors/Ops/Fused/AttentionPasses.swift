import CKernels
import Kernels

/// The forward pass of packed attention: one (sequence, head) unit at a time, a worker's scratch memory stays in cache.
struct AttentionForward {
  let plan: AttentionPlan
  let query: UnsafeMutablePointer<Float>
  let key: UnsafeMutablePointer<Float>
  let value: UnsafeMutablePointer<Float>
  let output: UnsafeMutablePointer<Float>
  let probabilities: UnsafeMutablePointer<Float>?
  let scores: UnsafeMutablePointer<Float>?

  func run() {
    let dropping = plan.mask.probability > 0
    let largest = plan.largestMap
    plan.forEachUnit { unit, scratch in
      let (features, count) = (plan.features, unit.queries * unit.keys)
      if unit.isShort {
        var shape = plan.kernelShape(of: unit)
        return ps_attention_forward(
          &shape, query + unit.queryRow * features + unit.column, key + unit.keyRow * features + unit.column,
          value + unit.keyRow * features + unit.column, output + unit.queryRow * features + unit.column,
          scores.map { $0 + unit.map }, probabilities.map { $0 + unit.map }, scratch)
      }
      let map = probabilities.map { $0 + unit.map } ?? scratch
      plan.scores(
        unit, query + unit.queryRow * features + unit.column, key + unit.keyRow * features + unit.column,
        into: map)
      if let scores { (scores + unit.map).update(from: map, count: count) }
      plan.softmax(unit, map)
      var weights = map
      if dropping {
        weights = scratch + largest
        ps_dropout(
          map, weights, Int64(count), plan.mask.seed, plan.mask.stream, unit.counter,
          plan.mask.probability)
      }
      gemm(
        m: unit.queries, n: plan.headSize, k: unit.keys, a: weights, lda: unit.keys,
        b: value + unit.keyRow * features + unit.column, ldb: features,
        c: output + unit.queryRow * features + unit.column, ldc: features)
    }
  }
}

extension AttentionPlan {
  /// A long unit's S, [queries, keys].
  fileprivate func scores(
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
}

/// The backward pass of packed attention.
///
/// With W = dropout(P): dV = Wᵀ dO, dW = dO Vᵀ, dP = dropout mask · dW (+ the gradient of captured probabilities),
/// dS = P (dP − Σ P dP) (+ the gradient of captured scores), dQ = dS K / √d, dK = dSᵀ Q / √d.
struct AttentionBackward {
  let plan: AttentionPlan
  let query: Tensor
  let key: Tensor
  let value: Tensor
  /// P where forward kept it for the caller; nil computes it again.
  let probabilities: UnsafeMutablePointer<Float>?
  let outputGradient: Storage?
  let probabilityGradient: Storage?
  let scoreGradient: Storage?

  func run() {
    // One tensor may play several roles (self-attention written by hand), so each role gets its slot in turn.
    let slots = [query.slot, key.slot, value.slot]
    let shared = Set(slots.compactMap { $0.map(ObjectIdentifier.init) }).count < slots.compactMap { $0 }.count
    if shared {
      let buffers = slots.map { $0.map { Storage(uninitialized: $0.count) } }
      compute(buffers.map { $0.map { ($0.pointer, true) } })
      for (slot, buffer) in zip(slots, buffers) { if let buffer { slot?.add(buffer) } }
    } else {
      withTargets(slots) { compute($0) }
    }
  }

  private typealias Target = (pointer: UnsafeMutablePointer<Float>, isFirst: Bool)

  private func withTargets(_ slots: [GradientSlot?], _ body: ([Target?]) -> Void, opened: [Target?] = []) {
    guard opened.count < slots.count else { return body(opened) }
    guard let slot = slots[opened.count] else { return withTargets(slots, body, opened: opened + [nil]) }
    slot.contribute { withTargets(slots, body, opened: opened + [($0, $1)]) }
  }

  private func compute(_ targets: [Target?]) {
    let largest = plan.largestMap
    plan.forEachUnit { unit, scratch in
      if unit.isShort { return computeShort(unit, targets, scratch) }
      let features = plan.features
      let count = Int64(unit.queries * unit.keys)
      let queryStart = unit.queryRow * features + unit.column
      let keyStart = unit.keyRow * features + unit.column
      let mapGradient = scratch
      let map = probabilities.map { $0 + unit.map } ?? scratch + 2 * largest
      if probabilities == nil {
        plan.scores(unit, query.pointer + queryStart, key.pointer + keyStart, into: map)
        plan.softmax(unit, map)
      }
      if let outputGradient {
        let upstream = outputGradient.pointer + queryStart
        if let target = targets[2] {
          var weights = map
          if plan.mask.probability > 0 {
            weights = scratch + largest
            drop(map, weights, count, unit)
          }
          gemm(
            transposeA: true, m: unit.keys, n: plan.headSize, k: unit.queries, a: weights, lda: unit.keys,
            b: upstream,
            ldb: features, beta: target.isFirst ? 0 : 1, c: target.pointer + keyStart, ldc: features)
        }
        gemm(
          transposeB: true, m: unit.queries, n: unit.keys, k: plan.headSize, a: upstream, lda: features,
          b: value.pointer + keyStart, ldb: features, c: mapGradient, ldc: unit.keys)
        if plan.mask.probability > 0 { drop(mapGradient, mapGradient, count, unit) }
      } else {
        ps_fill(mapGradient, 0, count)
        if let target = targets[2], target.isFirst { clear(target, unit.keys, keyStart) }
      }
      if let probabilityGradient {
        ps_add(mapGradient, probabilityGradient.pointer + unit.map, mapGradient, count)
      }
      let (rows, keys) = (Int64(unit.queries), Int64(unit.keys))
      ps_softmax_backward(map, mapGradient, mapGradient, rows, keys, keys, keys, keys, 1)
      if let scoreGradient { ps_add(mapGradient, scoreGradient.pointer + unit.map, mapGradient, count) }
      if let target = targets[0] {
        gemm(
          m: unit.queries, n: plan.headSize, k: unit.keys, alpha: plan.scale, a: mapGradient, lda: unit.keys,
          b: key.pointer + keyStart, ldb: features, beta: target.isFirst ? 0 : 1,
          c: target.pointer + queryStart,
          ldc: features)
      }
      if let target = targets[1] {
        gemm(
          transposeA: true, m: unit.keys, n: plan.headSize, k: unit.queries, alpha: plan.scale,
          a: mapGradient,
          lda: unit.keys, b: query.pointer + queryStart, ldb: features, beta: target.isFirst ? 0 : 1,
          c: target.pointer + keyStart, ldc: features)
      }
    }
  }

  private func computeShort(
    _ unit: AttentionPlan.Unit, _ targets: [Target?], _ scratch: UnsafeMutablePointer<Float>
  ) {
    let queryStart = unit.queryRow * plan.features + unit.column
    let keyStart = unit.keyRow * plan.features + unit.column
    var accumulate: Int32 = 0
    for (bit, target) in targets.enumerated() where target?.isFirst == false { accumulate |= 1 << Int32(bit) }
    var shape = plan.kernelShape(of: unit)
    ps_attention_backward(
      &shape, query.pointer + queryStart, key.pointer + keyStart, value.pointer + keyStart,
      probabilities.map { $0 + unit.map },
      outputGradient.map { $0.pointer + queryStart }, probabilityGradient.map { $0.pointer + unit.map },
      scoreGradient.map { $0.pointer + unit.map }, targets[0].map { $0.pointer + queryStart },
      targets[1].map { $0.pointer + keyStart }, targets[2].map { $0.pointer + keyStart }, accumulate, scratch)
  }

  private func drop(
    _ from: UnsafeMutablePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ count: Int64,
    _ unit: AttentionPlan.Unit
  ) {
    ps_dropout(from, to, count, plan.mask.seed, plan.mask.stream, unit.counter, plan.mask.probability)
  }

  private func clear(_ target: Target, _ rows: Int, _ start: Int) {
    for row in 0..<rows {
      (target.pointer + start + row * plan.features).update(repeating: 0, count: plan.headSize)
    }
  }
}
