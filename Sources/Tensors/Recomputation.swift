import Kernels

extension Context {
  /// Output of a part of a pass that is computed again in the backward pass, so that until then nothing is kept of it but what goes in
  /// and comes out (gradient checkpointing; Chen and others 2016).
  ///
  /// Without `recomputes`, or without a tape, the part runs as it is. The same operations run both times with the same dropout, so the
  /// output and all gradients have the bits that they have otherwise. What taps keep of the part stays a value with a gradient.
  ///
  /// - Parameters:
  ///   - input: What goes in.
  ///   - body: The part, which reaches the pass through its arguments alone; of other tensors only constants and parameters.
  package func recomputing(_ input: Tensor, _ body: @escaping (Tensor, Context) -> Tensor) -> Tensor {
    guard recomputes, let tape else { return body(input, self) }
    let part = PassPart(body, of: self)
    // A tape that nobody replays has the same kernels run as the second time; what they save goes with it.
    let first = Tape(watch: tape.watch)
    let (output, kept, end) = part.run(on: first, Self.held(input))
    for slot in first.entered { tape.enter(slot) }
    random = end
    var inner: [GradientSlot] = []
    var outer: [GradientSlot] = []
    /// The same values as part of this pass: one slot for each of the part's.
    func own(_ tensor: Tensor) -> Tensor {
      guard let slot = tensor.slot else { return tensor.detached }
      let place =
        inner.firstIndex { $0 === slot }
        ?? {
          inner.append(slot)
          outer.append(GradientSlot(count: slot.count))
          return inner.count - 1
        }()
      return Tensor(
        storage: tensor.storage, shape: tensor.shape, origin: .init(slot: outer[place], link: tape.link))
    }
    let result = own(output)
    if let kept { taps?.keep(kept.mapped(own)) }
    if outer.isEmpty { return result }
    let order = PassPart.slots(output, kept)
    let slots = order.map { slot in inner.firstIndex { $0 === slot }.map { outer[$0] } }
    let watch = tape.watch
    tape.record(outputs: outer) { gradients in
      let again = Tape(watch: watch)
      let (output, kept, _) = part.run(on: again, Self.held(input, in: input.slot))
      let given = zip(outer, gradients).reduce(into: [ObjectIdentifier: Storage]()) {
        $0[ObjectIdentifier($1.0)] = $1.1
      }
      var seen: Set<ObjectIdentifier> = []
      for (slot, own) in zip(PassPart.slots(output, kept), slots) {
        guard let own, seen.insert(ObjectIdentifier(own)).inserted else { continue }
        if let gradient = given[ObjectIdentifier(own)] { slot.add(gradient) }
      }
      again.replay()
    }
    return result
  }

  /// A tensor to go into a part: on whichever tape that runs, with a slot where the original has one.
  private static func held(_ input: Tensor, in slot: GradientSlot? = nil) -> (Tape) -> Tensor {
    { tape in
      let place = input.slot == nil ? nil : slot ?? GradientSlot(count: input.count)
      return Tensor(
        storage: input.storage, shape: input.shape, origin: place.map { .init(slot: $0, link: tape.link) })
    }
  }
}

/// Part of a pass that can be run more than once, with the settings that the pass had when it came to it.
private struct PassPart {
  private let body: (Tensor, Context) -> Tensor
  private let isTraining: Bool
  private let random: RandomSource
  private let closed: ClosedParts?
  private let wanted: Set<String>?

  init(_ body: @escaping (Tensor, Context) -> Tensor, of context: Context) {
    (self.body, isTraining, random) = (body, context.isTraining, context.random)
    (closed, wanted) = (context.closed, context.taps?.names)
  }

  /// Runs the part on a tape of its own.
  func run(
    on tape: Tape, _ input: (Tape) -> Tensor
  ) -> (output: Tensor, kept: Taps?, end: RandomSource) {
    let context = Context(tape: tape, isTraining: isTraining, random: random)
    (context.closed, context.taps) = (closed, wanted.map { Taps($0) })
    let output = body(input(tape), context)
    return (output, context.taps, context.random)
  }

  /// The slots of all that comes out, in an order that is the same each time.
  static func slots(_ output: Tensor, _ kept: Taps?) -> [GradientSlot] {
    ([output] + (kept?.tensors ?? [])).compactMap(\.slot)
  }
}

extension Taps {
  /// Values and maps that were kept, in the order of their names.
  fileprivate var tensors: [Tensor] {
    values.sorted { $0.key < $1.key }.map(\.value) + maps.sorted { $0.key < $1.key }.map(\.value.values)
  }

  /// The same with other tensors.
  fileprivate func mapped(_ body: (Tensor) -> Tensor) -> Taps {
    let taps = Taps(names)
    for (name, value) in values { taps.keep(body(value), as: name) }
    for (name, map) in maps {
      taps.keep(
        AttentionMaps(
          values: body(map.values), heads: map.heads, queryStarts: map.queryStarts, keyStarts: map.keyStarts),
        as: name)
    }
    return taps
  }
}
