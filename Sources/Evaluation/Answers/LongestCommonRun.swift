/// The length of the longest run of numbers that two lists share.
///
/// Short lists are compared by the usual table; the time for long ones grows with the sum of their lengths, by a suffix
/// automaton (Blumer and others 1985, *The smallest automaton recognizing the subwords of a text*).
func longestCommonRunLength(_ a: [Int32], _ b: [Int32]) -> Int {
  a.count * b.count <= 1 << 16 ? tableRun(a, b) : SuffixAutomaton(a).longestRun(sharedWith: b)
}

/// One row of the table at a time.
private func tableRun(_ a: [Int32], _ b: [Int32]) -> Int {
  var row = [Int](repeating: 0, count: b.count + 1)
  var best = 0
  for number in a {
    // From the right, so that the entry to the left above is still the previous row's.
    for column in b.indices.reversed() {
      row[column + 1] = number == b[column] ? row[column] + 1 : 0
      best = max(best, row[column + 1])
    }
  }
  return best
}

/// The smallest automaton of all runs of a list; state 0 is that of the empty run.
struct SuffixAutomaton {
  private struct Edge: Hashable {
    let state: Int32
    let number: Int32
  }

  /// The longest run of each state.
  private var lengths = [0]
  /// The state of the longest suffix of a state's runs that occurs in other places too; -1 of state 0.
  private var links: [Int32] = [-1]
  private var edges: [Edge: Int32] = [:]
  /// The numbers with which edges leave a state, so that its copy can have them.
  private var exits: [[Int32]] = [[]]

  init(_ list: [Int32]) {
    var last: Int32 = 0
    for number in list { last = append(number, behind: last) }
  }

  private mutating func append(_ number: Int32, behind last: Int32) -> Int32 {
    let new = addState(length: lengths[Int(last)] + 1)
    var state = last
    while state >= 0, edges[Edge(state: state, number: number)] == nil {
      connect(state, number, new)
      state = links[Int(state)]
    }
    guard state >= 0, let next = edges[Edge(state: state, number: number)] else {
      links[Int(new)] = 0
      return new
    }
    if lengths[Int(next)] == lengths[Int(state)] + 1 {
      links[Int(new)] = next
      return new
    }
    let copy = addState(length: lengths[Int(state)] + 1)
    for exit in exits[Int(next)] {
      if let target = edges[Edge(state: next, number: exit)] { connect(copy, exit, target) }
    }
    links[Int(copy)] = links[Int(next)]
    while state >= 0, edges[Edge(state: state, number: number)] == next {
      edges[Edge(state: state, number: number)] = copy
      state = links[Int(state)]
    }
    links[Int(next)] = copy
    links[Int(new)] = copy
    return new
  }

  private mutating func addState(length: Int) -> Int32 {
    lengths.append(length)
    links.append(-1)
    exits.append([])
    return Int32(lengths.count - 1)
  }

  private mutating func connect(_ state: Int32, _ number: Int32, _ target: Int32) {
    if edges.updateValue(target, forKey: Edge(state: state, number: number)) == nil {
      exits[Int(state)].append(number)
    }
  }

  /// The length of the longest run of another list that this one has.
  func longestRun(sharedWith other: [Int32]) -> Int {
    var (state, length, best): (Int32, Int, Int) = (0, 0, 0)
    for number in other {
      while state > 0, edges[Edge(state: state, number: number)] == nil {
        state = links[Int(state)]
        length = lengths[Int(state)]
      }
      if let next = edges[Edge(state: state, number: number)] {
        state = next
        length += 1
      } else {
        length = 0
      }
      best = max(best, length)
    }
    return best
  }
}
