import Kernels

/// Bucket of small tensors that go over the network as one message.
package struct Bucket {
  /// Values of the tensors, one behind the other.
  package let values: Storage
  /// The place of each tensor in `values`.
  package let parts: [Storage]

  /// Values of a bucket at most: 25 MiB, what PyTorch's DistributedDataParallel takes.
  package static let most = 25 << 18

  /// A bucket for tensors of some sizes, its values not set.
  package init(of counts: some Collection<Int>) {
    let values = Storage(uninitialized: counts.reduce(0, +))
    var next = 0
    self.values = values
    parts = counts.map { count in
      defer { next += count }
      return values.slice(next, count)
    }
  }

  /// The tensors that go together, in their order; one that is larger than a bucket goes alone.
  ///
  /// - Parameters:
  ///   - counts: The values of each tensor.
  ///   - most: Values of a bucket at most.
  package static func groups(of counts: [Int], most: Int = Bucket.most) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var (first, total) = (0, 0)
    for (index, count) in counts.enumerated() {
      if index > first, total + count > most {
        groups.append(first..<index)
        (first, total) = (index, 0)
      }
      total += count
    }
    if first < counts.count { groups.append(first..<counts.count) }
    return groups
  }
}

extension Bucket {
  /// Seconds that this machine's processor takes for a value that is packed, added to another rank's and unpacked, on one thread.
  package static func secondsPerValue() -> Double {
    let count = 1 << 21
    let (values, bucket) = (Storage(uninitialized: count), Bucket(of: [count]))
    Elementwise.fill(values, with: 0)
    func once() -> Double {
      let begin = ContinuousClock.now
      SerialRegion.run {
        bucket.values.assign(values)
        Elementwise.add(values, to: bucket.values)
        values.assign(bucket.values)
      }
      return (ContinuousClock.now - begin) / .seconds(1)
    }
    return (0..<5).map { _ in once() }.sorted()[2] / Double(count)
  }
}

extension Communicator {
  /// Hands the values of tensors from one rank to the others, small ones together.
  ///
  /// - Parameters:
  ///   - tensors: The tensors, of the same sizes on every rank.
  ///   - owner: The rank whose values they get.
  package func broadcast(_ tensors: [Storage], from owner: Int) {
    for group in Bucket.groups(of: tensors.map(\.count)) {
      let own = tensors[group]
      if let only = own.first, own.count == 1 {
        broadcast(only, from: owner)
        continue
      }
      let bucket = Bucket(of: own.map(\.count))
      if rank == owner { for (tensor, part) in zip(own, bucket.parts) { part.assign(tensor) } }
      broadcast(bucket.values, from: owner)
      if rank != owner { for (tensor, part) in zip(own, bucket.parts) { tensor.assign(part) } }
    }
  }
}
