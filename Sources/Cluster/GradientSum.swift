import Kernels
import Tensors

/// Sum of the gradients of all ranks, in place: afterwards each rank has the same, to the bit.
///
/// Parameters go in reverse order, as their gradients come, packed into buckets; a larger one goes alone. Of a table of which every
/// rank has used some rows alone, only the rows that any has used go over the network.
package struct GradientSum {
  /// Form of the gradient that a rank has for a parameter.
  package enum Form: UInt8, Sendable {
    /// None: no row of this rank has led there.
    case none
    /// Any value may be other than 0.
    case values
    /// Some rows of a table alone may be.
    case rows
  }

  private let parameters: [Parameter]
  private let ranks: any Communicator

  /// A sum over some parameters, the same on every rank.
  package init(_ parameters: [Parameter], over ranks: any Communicator) {
    (self.parameters, self.ranks) = (parameters.reversed(), ranks)
  }

  /// Forms of this rank's gradients, a byte each.
  package var forms: [UInt8] {
    parameters.map { parameter in
      if !parameter.isTrainable || parameter.slot.isEmpty { return Form.none.rawValue }
      return (parameter.slot.rows == nil ? Form.values : .rows).rawValue
    }
  }

  /// Sums the gradients.
  ///
  /// - Parameter forms: `forms` of every rank.
  package func run(_ forms: [[UInt8]]) {
    var whole: [Parameter] = []
    for (place, parameter) in parameters.enumerated() {
      let found = forms.compactMap { Form(rawValue: $0[place]) }
      if found.contains(.values) {
        whole.append(parameter)
      } else if found.contains(.rows) {
        sumRows(parameter)
      }
    }
    for group in Bucket.groups(of: whole.map(\.count)) {
      if let only = whole[group].first, only.count > Bucket.most {
        sumAlone(only)
      } else {
        sum(Array(whole[group]))
      }
    }
  }

  /// Sums a large gradient where it lies.
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
