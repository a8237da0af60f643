import Foundation
import ModelFormats
import Synchronization
import Tasks

/// Engine of a server: one thread that answers the texts of all requests that wait, many at a time.
///
/// While a forward pass runs, requests gather; the next pass takes them together, so that a busy server works in batches
/// and an idle one answers at once. A request with more texts than a batch takes turns with the others.
package final class PredictionEngine: Sendable {
  /// Request that waits for its answers.
  private final class Job: Sendable {
    let items: [PredictionItem]
    let progress = Mutex(Progress())

    struct Progress {
      /// Items that the engine has taken, answered or not.
      var taken = 0
      var answers: [JSONValue] = []
      var continuation: CheckedContinuation<Void, Never>?
      /// All answers, or the fault; the continuation says that it is there.
      var outcome: Result<[JSONValue], any Error>?
    }

    init(_ items: [PredictionItem]) { self.items = items }

    /// Ends the job once; later ends change nothing.
    func end(_ result: Result<[JSONValue], any Error>) {
      let continuation = progress.withLock { progress in
        progress.outcome = progress.outcome ?? result
        defer { progress.continuation = nil }
        return progress.continuation
      }
      continuation?.resume()
    }
  }

  private struct State {
    var waiting: [Job] = []
    var waitingTexts = 0
    var isStopping = false
  }

  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)
  private let limit: Int
  /// Most texts of one batch.
  private static let batchTexts = 64

  /// An engine that answers with a run of predictions, which is its own from now on.
  ///
  /// - Parameters:
  ///   - run: The run.
  ///   - limit: Most texts that wait.
  ///   - measured: Told of each batch: its texts, and the seconds it took.
  package init(_ run: sending PredictionRun, limit: Int, measured: @escaping @Sendable (Int, Double) -> Void)
  {
    self.limit = limit
    nonisolated(unsafe) var run = run
    // Safe because the run belongs to this thread alone.
    let thread = Thread { [self] in
      while let batch = next() { answer(batch, with: &run, measured) }
    }
    thread.name = "potstill-engine"
    thread.stackSize = 4 << 20
    thread.start()
  }

  /// The number of texts that wait.
  package var waitingTexts: Int { state.withLock { $0.waitingTexts } }

  /// Answers to some items, in their order.
  ///
  /// - Throws: `ServerFault` when too many wait or the server stops; `TaskError` for items that cannot be answered;
  ///   `CancellationError`, at once and not when the batch in hand is done.
  package func answer(_ items: [PredictionItem]) async throws -> [JSONValue] {
    let job = Job(items)
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        job.progress.withLock { $0.continuation = continuation }
        if Task.isCancelled { return job.end(.failure(CancellationError())) }
        let fault: ServerFault? = state.withLock { state in
          if state.isStopping { return .stopping }
          // A request larger than the queue may come when nobody else waits.
          if state.waitingTexts > 0, state.waitingTexts + items.count > limit { return .busy }
          state.waiting.append(job)
          state.waitingTexts += items.count
          return nil
        }
        if let fault { return job.end(.failure(fault)) }
        work.signal()
      }
    } onCancel: {
      job.end(.failure(CancellationError()))
    }
    guard let outcome = job.progress.withLock({ $0.outcome }) else {
      preconditionFailure("A request's continuation is resumed once its outcome is there.")
    }
    return try outcome.get()
  }

  /// Refuses what comes from now on, and ends the thread once all that waits is answered.
  package func stop() {
    state.withLock { $0.isStopping = true }
    work.signal()
  }

  // MARK: The thread

  private typealias Part = (job: Job, range: Range<Int>)

  /// The next texts to answer together; nil when the engine stops.
  private func next() -> [Part]? {
    while true {
      let (parts, isOver): ([Part], Bool) = state.withLock { state in
        var (parts, back): ([Part], [Job]) = ([], [])
        var room = Self.batchTexts
        var taken = 0
        for job in state.waiting {
          if room == 0 { break }
          taken += 1
          let (done, isEnded) = job.progress.withLock { ($0.taken, $0.outcome != nil) }
          let left = job.items.count - done
          if isEnded {
            state.waitingTexts -= left
            continue
          }
          let count = min(room, left)
          job.progress.withLock { $0.taken += count }
          parts.append((job, done..<done + count))
          room -= count
          state.waitingTexts -= count
          if count < left { back.append(job) }
        }
        state.waiting.removeFirst(taken)
        state.waiting += back
        return (parts, state.isStopping && state.waiting.isEmpty && parts.isEmpty)
      }
      if !parts.isEmpty { return parts }
      if isOver { return nil }
      work.wait()
    }
  }

  private func answer(
    _ parts: [Part], with run: inout PredictionRun, _ measured: (Int, Double) -> Void
  ) {
    let clock = ContinuousClock.now
    let items = parts.flatMap { $0.job.items[$0.range] }
    do {
      var answers = try run.answer(items).map(\.answer.json)[...]
      for part in parts {
        deliver(Array(answers.prefix(part.range.count)), of: part)
        answers = answers.dropFirst(part.range.count)
      }
    } catch {
      // One text that cannot be answered must not take the others with it.
      for part in parts {
        do { deliver(try run.answer(Array(part.job.items[part.range])).map(\.answer.json), of: part) } catch {
          part.job.end(.failure(error))
        }
      }
    }
    measured(items.count, (ContinuousClock.now - clock) / .seconds(1))
  }

  private func deliver(_ answers: [JSONValue], of part: Part) {
    let all = part.job.progress.withLock { progress in
      progress.answers += answers
      return progress.answers.count == part.job.items.count ? progress.answers : nil
    }
    if let all { part.job.end(.success(all)) }
  }
}
