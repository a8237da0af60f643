import Foundation
import Kernels
import Synchronization
import TestSupport
import Testing

#if os(Linux)
  @Suite(.serialized) struct SystemThreadTests {
    /// Runs `body` on a thread of its own and waits for it.
    private func onThread(_ body: @escaping @Sendable () -> Void) {
      let done = DispatchSemaphore(value: 0)
      Thread {
        body()
        done.signal()
      }.start()
      done.wait()
    }

    @Test func aThreadStaysWhereItIsKept() {
      let processors = SystemThread.current.processors
      #expect(!processors.isEmpty && processors == processors.sorted())
      onThread {
        for processor in processors {
          SystemThread.current.keep(on: processor)
          #expect(SystemThread.processor == processor)
          #expect(SystemThread.current.processors == [processor])
        }
      }
      // Others go on as before.
      #expect(SystemThread.current.processors == processors)
    }

    @Test func runTimeStandsStillWhileAThreadSleeps() throws {
      let (asleep, wake) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
      let found = Mutex<SystemThread?>(nil)
      Thread {
        found.withLock { $0 = .current }
        asleep.signal()
        wake.wait()
      }.start()
      asleep.wait()
      defer { wake.signal() }
      let thread = try #require(found.withLock { $0 })
      // Until the system has put it to sleep.
      var (before, now) = (-1, thread.runTime)
      for _ in 0..<1_000 where before != now {
        usleep(2_000)
        (before, now) = (now, thread.runTime)
      }
      #expect(before == now && now > 0)
      let own = SystemThread.current
      let start = own.runTime
      var sum = 0.0
      for index in 0..<100_000 { sum += Double(index).squareRoot() }
      #expect(sum > 0 && own.runTime > start)
    }

    /// A worker goes where it is moved while it is on a range, and back behind it.
    @Test func aWorkerIsMovedAndGoesHome() {
      let processors = SystemThread.current.processors
      guard processors.count > 1 else { return }
      let place = WorkerPlace(home: processors[0])
      #expect(place.hasHome && place.runTime == nil)
      onThread {
        place.begin()
        #expect(SystemThread.current.processors == [processors[0]])
        #expect(place.runTime == nil, "it is on no range")
        place.isBusy.store(true, ordering: .relaxed)
        self.onThread {
          #expect(place.runTime ?? 0 > 0)
          place.move(to: processors[1])
        }
        #expect(SystemThread.current.processors == [processors[1]])
        place.goHome()
        #expect(SystemThread.current.processors == [processors[0]])
        self.onThread { place.live(on: processors[1]) }
        #expect(SystemThread.current.processors == [processors[1]])
        place.goHome()
        #expect(SystemThread.current.processors == [processors[1]], "it was not away")
      }
    }

    /// A worker without a processor of its own stays with the system.
    @Test func aWorkerWithoutAHomeIsLeftAlone() {
      let (place, processors) = (WorkerPlace(home: nil), SystemThread.current.processors)
      onThread {
        place.begin()
        place.isBusy.store(true, ordering: .relaxed)
        #expect(!place.hasHome && place.runTime == nil)
        place.move(to: processors[0])
        place.goHome()
        #expect(SystemThread.current.processors == processors)
      }
    }

    /// A caller is moved once in a region, to another processor than its own, and never where it may not run.
    @Test func aCallerIsMovedOnceInARegion() {
      let (place, processors) = (CallerPlace(), SystemThread.current.processors)
      guard processors.count > 1 else { return }
      #expect(place.runTime == nil && place.move(to: processors[1]) == nil)
      onThread {
        SystemThread.current.keep(on: processors[0])
        for _ in 0..<2 {
          place.enter()
          self.onThread {
            #expect(place.runTime ?? 0 > 0)
            #expect(place.move(to: processors[0]) == nil, "it is there")
            #expect(place.move(to: processors[1]) == processors[0])
            #expect(place.move(to: processors[1]) == nil, "it was moved before")
          }
          #expect(SystemThread.current.processors == [processors[0]], "the others are not for it")
          place.leave()
        }
        #expect(place.runTime == nil && place.move(to: processors[1]) == nil)
      }
    }

    /// Every element is worked on once, though a foreign thread keeps a worker's core busy and workers are moved for it.
    @Test func aBusyCoreChangesNothing() throws {
      let processors = SystemThread.current.processors
      guard processors.count > 1, processors.count <= Parallel.maximumThreadCount else { return }
      let isOver = Flag()
      Thread {
        SystemThread.current.keep(on: processors[1])
        while !isOver.isSet {}
      }.start()
      defer { isOver.set() }
      func value(_ index: Int) -> Double {
        var value = Double(index)
        for _ in 0..<100_000 { value = (value + 1).squareRoot() }
        return value
      }
      let expected = (0..<32).map(value)
      FixedThreads.run(processors.count) {
        for _ in 0..<8 {
          var results = [Double](repeating: 0, count: expected.count)
          Parallel.fill(&results, block: 1, value)
          #expect(results == expected)
        }
      }
    }
  }

  /// Mark that one thread sets for another.
  private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
  }
#endif
