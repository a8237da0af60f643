import Synchronization

/// Place of a worker among the processors, by which its caller finds out that it has lost its core.
///
/// A foreign program that keeps a core busy takes it from a worker for some milliseconds at a time, in the middle of a range. The
/// others are done by then, so that one of their cores is free: the caller moves the worker there, and it goes back when the
/// range is done.
package final class WorkerPlace: Sendable {
  /// Whether the worker is on a range.
  package let isBusy = Atomic<Bool>(false)
  private let state: Mutex<State>
  private let isAway = Atomic<Bool>(false)

  private struct State {
    /// The processor that is the worker's own; nil where the system chooses.
    var home: Int?
    var thread: SystemThread?
  }

  /// The place of a worker that is yet to begin.
  package init(home: Int?) { state = Mutex(State(home: home)) }

  /// The time for which the worker has run, if it is on a range and may be moved.
  package var runTime: Int? {
    guard isBusy.load(ordering: .relaxed) else { return nil }
    return state.withLock { $0.thread }?.runTime
  }

  /// Moves the worker to another processor until it is done with its range.
  package func move(to processor: Int) {
    state.withLock { $0.thread?.keep(on: processor) }
    isAway.store(true, ordering: .sequentiallyConsistent)
  }

  // MARK: The worker's side

  /// Takes the calling thread to its own processor, if it has one.
  package func begin() {
    state.withLock { state in
      guard let home = state.home else { return }
      state.thread = .current
      state.thread?.keep(on: home)
    }
  }

  /// Whether the worker has a processor of its own.
  package var hasHome: Bool { state.withLock { $0.home != nil } }

  /// Goes back to its own processor if it was moved.
  package func goHome() {
    guard isAway.load(ordering: .relaxed), isAway.exchange(false, ordering: .acquiring) else { return }
    state.withLock { state in
      if let home = state.home { state.thread?.keep(on: home) }
    }
  }

  /// Makes another processor its own.
  package func live(on processor: Int) {
    state.withLock { state in
      state.home = processor
      state.thread?.keep(on: processor)
    }
  }
}

/// Place of the thread that has called for a region, while it works on ranges itself.
package final class CallerPlace: Sendable {
  private struct State {
    var thread: SystemThread?
    var processor: Int?
  }

  private let state = Mutex(State())

  /// The place of a caller that is yet to work.
  package init() {}

  /// Says that the calling thread works on ranges from now on.
  package func enter() {
    let processor = SystemThread.processor
    state.withLock { $0 = State(thread: .current, processor: processor) }
  }

  /// Says that it does no longer.
  package func leave() { state.withLock { $0 = State() } }

  /// The time for which the caller has run, if it works on ranges.
  package var runTime: Int? { state.withLock { $0.thread?.runTime } }

  /// Moves the caller to another processor, from which the system may move it again; once in a region, since many may want to.
  ///
  /// - Returns: The processor that it had; nil if it was not moved.
  package func move(to processor: Int) -> Int? {
    state.withLock { state in
      guard let thread = state.thread, let before = state.processor, before != processor else { return nil }
      thread.move(to: processor)
      state.processor = nil
      return before
    }
  }
}
