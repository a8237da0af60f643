import Foundation
import ModelFormats
import Serving
import Synchronization
import Tasks
import TestSupport
import Testing

/// Engines whose work is held up, so that what waits can be looked at.
@Suite struct EngineTests {
  /// An engine that stops behind each batch until it is let go, and the sizes of its batches.
  private final class HeldEngine: Sendable {
    let engine: PredictionEngine
    private let gate = DispatchSemaphore(value: 0)

    init(_ world: ServedWorld, limit: Int) throws {
      let model = try TokenizedModel(world.path("student"))
      let run = try PredictionRun(model, limit: 16, settings: PredictionSettings())
      let (gate, note) = (gate, SizeNote())
      engine = PredictionEngine(run, limit: limit) { count, _ in
        note.sizes.withLock { $0.append(count) }
        gate.wait()
      }
      self.note = note
    }

    private final class SizeNote: Sendable {
      let sizes = Mutex([Int]())
    }
    private let note: SizeNote

    /// The sizes of the batches so far.
    var batches: [Int] { note.sizes.withLock { $0 } }

    /// Lets the engine go on, so many times.
    func release(_ count: Int) { for _ in 0..<count { gate.signal() } }
  }

  private let world: ServedWorld

  init() throws { world = try ServedWorld() }

  private func items(_ count: Int) -> [PredictionItem] {
    (0..<count).map { PredictionItem(text: "good \($0)") }
  }

  @Test func requestsThatWaitAreAnsweredTogether() async throws {
    let held = try HeldEngine(world, limit: 100)
    _ = try await held.engine.answer(items(1))
    try await settle { held.batches == [1] }
    async let first = held.engine.answer(items(3))
    async let second = held.engine.answer(items(80))
    async let third = held.engine.answer(items(2))
    try await settle { held.engine.waitingTexts == 85 }
    held.release(10)
    let counts = try await (first.count, second.count, third.count)
    #expect(counts == (3, 80, 2))
    try await settle { held.batches.count == 3 }
    #expect(held.batches == [1, 64, 21])
    #expect(held.engine.waitingTexts == 0)
    held.engine.stop()
  }

  @Test func whatIsTooMuchIsRefusedAndWhatIsCancelledLeaves() async throws {
    let held = try HeldEngine(world, limit: 5)
    _ = try await held.engine.answer(items(9))
    try await settle { held.batches == [9] }
    async let waiting = held.engine.answer(items(4))
    let late = Task { try await held.engine.answer(items(1)) }
    try await settle { held.engine.waitingTexts == 5 }
    let busy = await fault { try await held.engine.answer(items(1)) }
    #expect(busy?.status == 429 && busy?.retryAfter == 1)
    // Its caller goes on while the engine is still held up.
    late.cancel()
    await #expect(throws: CancellationError.self) { try await late.value }
    held.release(10)
    #expect(try await waiting.count == 4)
    try await settle { held.engine.waitingTexts == 0 }
    #expect(held.batches == [9, 4])
    held.engine.stop()
    let stopped = await fault { try await held.engine.answer(items(1)) }
    #expect(stopped?.status == 503 && stopped?.code == "stopping")
  }

  @Test func whatFailsInTheMiddleLeavesNothingWaiting() async throws {
    let model = try TokenizedModel(world.path("reader"))
    let run = try PredictionRun(model, limit: 32, settings: PredictionSettings())
    let engine = PredictionEngine(run, limit: 1000) { _, _ in }
    let questions = [" "] + (1..<100).map { "was it good \($0) ?" }
    let items = questions.map { PredictionItem(text: $0, pair: "the film was good") }
    await #expect(throws: TaskError.self) { try await engine.answer(items) }
    #expect(try await engine.answer(Array(items.dropFirst())).count == 99)
    #expect(engine.waitingTexts == 0)
    engine.stop()
  }

  private func fault(_ body: () async throws -> [JSONValue]) async -> ServerFault? {
    do {
      _ = try await body()
      return nil
    } catch { return error as? ServerFault }
  }

  /// Waits until something holds.
  private func settle(_ holds: () -> Bool) async throws {
    for _ in 0..<2000 where !holds() { try await Task.sleep(for: .milliseconds(5)) }
    try #require(holds())
  }
}
