import Foundation
import Synchronization

/// Counts of a server in the text format of Prometheus 0.0.4.
final class ServerMetrics: Sendable {
  private struct Counts {
    var requests: [String: Int] = [:]
    var buckets = [Int](repeating: 0, count: ServerMetrics.bounds.count)
    var seconds = 0.0
    var answered = 0
    var texts = 0
    var batches = 0
    var engineSeconds = 0.0
    var active = 0
  }

  private let counts = Mutex(Counts())

  /// Upper ends of the buckets of request times in seconds.
  private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

  /// Notes the beginning of a request.
  func began() { counts.withLock { $0.active += 1 } }

  /// Notes the end of a request.
  ///
  /// - Parameters:
  ///   - path: One of the server's own paths, so that no client can make new series.
  func ended(_ path: String, status: Int, seconds: Double) {
    counts.withLock { counts in
      counts.active -= 1
      counts.requests["path=\"\(path)\",status=\"\(status)\"", default: 0] += 1
      counts.answered += 1
      counts.seconds += seconds
      for (index, bound) in Self.bounds.enumerated() where seconds <= bound { counts.buckets[index] += 1 }
    }
  }

  /// Notes a batch that the engine has answered.
  func answered(_ texts: Int, seconds: Double) {
    counts.withLock { counts in
      counts.texts += texts
      counts.batches += 1
      counts.engineSeconds += seconds
    }
  }

  /// The metrics as text.
  func text(waitingTexts: Int) -> String {
    let counts = counts.withLock { $0 }
    var lines: [String] = []
    func family(_ name: String, _ type: String, _ help: String, _ values: [(labels: String, value: String)]) {
      lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
      lines += values.map { "\(name)\($0.labels) \($0.value)" }
    }
    family(
      "potstill_requests_total", "counter", "Requests by path and status.",
      counts.requests.sorted { $0.key < $1.key }.map { ("{\($0.key)}", "\($0.value)") })
    let name = "potstill_request_duration_seconds"
    lines += ["# HELP \(name) Time from a request's head to its answer.", "# TYPE \(name) histogram"]
    lines += zip(Self.bounds, counts.buckets).map { "\(name)_bucket{le=\"\($0)\"} \($1)" }
    lines += ["\(name)_bucket{le=\"+Inf\"} \(counts.answered)"]
    lines += ["\(name)_sum \(counts.seconds)", "\(name)_count \(counts.answered)"]
    family("potstill_requests_active", "gauge", "Requests in progress.", [("", "\(counts.active)")])
    family("potstill_texts_total", "counter", "Texts that models have answered.", [("", "\(counts.texts)")])
    family(
      "potstill_batches_total", "counter", "Forward passes over gathered texts.", [("", "\(counts.batches)")])
    family(
      "potstill_engine_seconds_total", "counter", "Seconds that models have worked.",
      [("", "\(counts.engineSeconds)")])
    family("potstill_texts_waiting", "gauge", "Texts that wait for a model.", [("", "\(waitingTexts)")])
    if let bytes = Self.residentBytes {
      family("process_resident_memory_bytes", "gauge", "Resident memory.", [("", "\(bytes)")])
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Resident memory of the process; nil where the system does not say.
  private static var residentBytes: Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
    let fields = text.split(separator: " ")
    return fields.count > 1 ? Int(fields[1]).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) } : nil
  }
}

/// Deadlines of requests, which one task watches: a timer a request would stay in memory until it rings.
final class RequestDeadlines: Sendable {
  private struct State {
    var next = 0
    var ends: [Int: (deadline: ContinuousClock.Instant, end: @Sendable () -> Void)] = [:]
  }

  private let state = Mutex(State())

  /// The result of a body whose task is cancelled when a deadline has passed.
  ///
  /// - Throws: What the body throws; `CancellationError` where it ends for being cancelled.
  func run<Result: Sendable>(
    until deadline: ContinuousClock.Instant, _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let work = Task { try await body() }
    let number = add(deadline) { work.cancel() }
    defer { remove(number) }
    return try await withTaskCancellationHandler {
      try await work.value
    } onCancel: {
      work.cancel()
    }
  }

  private func add(_ deadline: ContinuousClock.Instant, end: @escaping @Sendable () -> Void) -> Int {
    state.withLock { state in
      state.next += 1
      state.ends[state.next] = (deadline, end)
      return state.next
    }
  }

  private func remove(_ number: Int) { _ = state.withLock { $0.ends.removeValue(forKey: number) } }

  /// Ends what is late, ten times a second, until the task is cancelled.
  func watch() async {
    while (try? await Task.sleep(for: .milliseconds(100))) != nil {
      let now = ContinuousClock.now
      let late = state.withLock { state in
        let late = state.ends.filter { $0.value.deadline <= now }
        for number in late.keys { state.ends[number] = nil }
        return late.values.map(\.end)
      }
      for end in late { end() }
    }
  }
}
