import Dispatch
import Kernels
import Synchronization
import Tensors

/// Sum of the gradients of all ranks, in place: afterwards each rank has the same, to the bit.
///
/// Parameters go in reverse order, as their gradients come, packed into buckets; a larger one goes alone. A bucket is sent by a thread
/// of its own as soon as the backward pass has done with its parameters, while that pass goes on (as PyTorch's
/// DistributedDataParallel does). Of a table of which every rank has used some rows alone, only the rows that any has used go over
/// the network.
package struct GradientSum {
  private let parameters: [Parameter]
  private let ranks: any Communicator
  private let bucketSize: Int

  /// A sum over some parameters, the same on every rank.
  ///
  /// - Parameters:
  ///   - parameters: The parameters in the order in which a pass uses them.
  ///   - ranks: The ranks.
  ///   - bucketSize: Values of a bucket at most.
  package init(_ parameters: [Parameter], over ranks: any Communicator, bucketSize: Int = Bucket.most) {
    (self.parameters, self.ranks) = (parameters.reversed(), ranks)
    self.bucketSize = bucketSize
  }

  /// The part that this rank's last pass has in each parameter, a byte each.
  ///
  /// - Parameter tape: The tape of the pass whose backward pass comes next; nil where there is none.
  package func parts(of tape: Tape?) -> [UInt8] {
    let entered = Set((tape?.entered ?? []).map(ObjectIdentifier.init))
    return parameters.map { entered.contains(ObjectIdentifier($0.slot)) ? 1 : 0 }
  }

  /// Sums the gradients while the last backward pass of this rank goes on.
  ///
  /// - Parameters:
  ///   - parts: `parts(of:)` of every rank. What has entered no rank's last pass is summed behind it.
  ///   - backward: The pass, on the tape that the parts are of; it tells what it has done with, and calls nothing collective.
  package func run(_ parts: [[UInt8]], while backward: (_ done: (GradientSlot) -> Void) -> Void) {
    let own = parts[ranks.rank]
    let (first, last) = (
      parameters.indices.filter { place in parts.contains { $0[place] == 1 } },
      parameters.indices.filter { place in parts.allSatisfy { $0[place] != 1 } }
    )
    let sender = GradientSender(
      groups(of: first), awaiting: first.filter { own[$0] == 1 }.map { parameters[$0].slot })
    backward(sender.isDone)
    sender.finish()
    for group in groups(of: last) { group.sum() }
  }

  private func groups(of places: [Int]) -> [GradientGroup] {
    Bucket.groups(of: places.map { parameters[$0].count }, most: bucketSize).map { range in
      GradientGroup(parameters: places[range].map { parameters[$0] }, ranks: ranks)
    }
  }
}

/// Sender of groups of gradients in one order, each once a backward pass has done with it.
private final class GradientSender: @unchecked Sendable {
  // Sendable because its thread uses the groups that it was given and the locked state alone.
  private let groups: [GradientGroup]
  /// Gradients that the pass will still add to.
  private var awaited: Set<ObjectIdentifier>
  /// Groups that the thread was given.
  private var next = 0
  private let thread = DispatchQueue(label: "potstill.gradients")
  private let state: Mutex<(sent: Int, isOver: Bool)> = Mutex((0, false))

  init(_ groups: [GradientGroup], awaiting slots: [GradientSlot]) {
    self.groups = groups
    awaited = Set(slots.map(ObjectIdentifier.init))
    send()
  }

  /// Takes note that nothing more is added to a gradient.
  func isDone(_ slot: GradientSlot) {
    if awaited.remove(ObjectIdentifier(slot)) != nil { send() }
  }

  private func send() {
    while next < groups.count,
      groups[next].parameters.allSatisfy({ !awaited.contains(ObjectIdentifier($0.slot)) })
    {
      let group = groups[next]
      next += 1
      thread.async { [self] in
        let isOver = state.withLock { state in
          if !state.isOver { state.sent += 1 }
          return state.isOver
        }
        // The cores are the pass's.
        if !isOver { SerialRegion.run { group.sum() } }
      }
    }
  }

  /// Sends what is left on this thread, whose cores are free now.
  func finish() {
    state.withLock { $0.isOver = true }
    thread.sync {}
    for group in groups[state.withLock(\.sent)...] { group.sum() }
  }
}

/// Group of parameters whose gradients go over the network together.
private struct GradientGroup: @unchecked Sendable {
  // Sendable because the backward pass leaves the gradients to the sender before that has the group.
  let parameters: [Parameter]
  let ranks: any Communicator

  /// Form of the gradient that a rank has for a parameter.
  private enum Form: UInt8 {
    /// None: no row of this rank has led there.
    case none
    /// Any value may be other than 0.
    case values
    /// Some rows of a table alone may be.
    case rows

    init(_ parameter: Parameter) {
      if !parameter.isTrainable || parameter.slot.isEmpty {
        self = .none
      } else {
        self = parameter.slot.rows == nil ? .values : .rows
      }
    }
  }

  /// Sums the gradients of all ranks.
  func sum() {
    let forms = ranks.gather(parameters.map { Form($0).rawValue })
    var whole: [Parameter] = []
    for (place, parameter) in parameters.enumerated() {
      let found = forms.compactMap { Form(rawValue: $0[place]) }
      if found.contains(.values) {
        whole.append(parameter)
      } else if found.contains(.rows) {
        sumRows(parameter)
      }
    }
    if let only = whole.first, whole.count == 1 {
      sumAlone(only)
    } else if !whole.isEmpty {
      sum(whole)
    }
  }

  /// Sums a gradient where it lies.
  private func sumAlone(_ parameter: Parameter) {
    parameter.slot.contribute { gradient, adding in
      if !adding { Elementwise.fill(gradient, with: 0) }
      for start in stride(from: 0, to: gradient.count, by: Self.mostAtOnce) {
        ranks.sum(gradient.slice(start, min(Self.mostAtOnce, gradient.count - start)))
      }
    }
  }

  /// Values that are summed at once of a large gradient, which takes as much memory again.
  private static let mostAtOnce = 4 * Bucket.most

  /// Sums small gradients together.
  private func sum(_ small: [Parameter]) {
    let bucket = Bucket(of: small.map(\.count))
    for (parameter, part) in zip(small, bucket.parts) {
      if let gradient = parameter.slot.storage, !parameter.slot.isEmpty {
        part.assign(gradient)
      } else {
        Elementwise.fill(part, with: 0)
      }
    }
    ranks.sum(bucket.values)
    for (parameter, part) in zip(small, bucket.parts) {
      parameter.slot.contribute { gradient, _ in gradient.assign(part) }
    }
  }

  /// Sums the rows of a table that any rank has used.
  private func sumRows(_ parameter: Parameter) {
    let slot = parameter.slot
    let own = slot.isEmpty ? [] : slot.rows?.indices ?? []
    var sent = RankWords()
    sent.append(own.map { UInt32(bitPattern: $0) })
    var all: Set<Int32> = []
    for list in ranks.gather(sent.bytes) {
      var words = RankWords(list)
      while !words.isAtEnd { all.insert(Int32(bitPattern: words.read())) }
    }
    let rows = all.sorted()
    let columns = parameter.count / parameter.shape[0]
    let packed = Storage(uninitialized: rows.count * columns)
    var place = 0
    for (index, row) in rows.enumerated() {
      let part = packed.slice(index * columns, columns)
      if place < own.count, own[place] == row, let gradient = slot.storage {
        part.assign(gradient.slice(Int(row) * columns, columns))
        place += 1
      } else {
        Elementwise.fill(part, with: 0)
      }
    }
    let most = max(1, Self.mostAtOnce / columns) * columns
    for start in stride(from: 0, to: packed.count, by: most) {
      ranks.sum(packed.slice(start, min(most, packed.count - start)))
    }
    slot.accumulate(rows: rows, columns: columns, as: .embedding) { gradient in
      for (index, row) in rows.enumerated() {
        gradient.slice(Int(row) * columns, columns).assign(packed.slice(index * columns, columns))
      }
    }
  }
}
