import Foundation
import Synchronization

/// What a command line did as a process of its own: how it ended, how long it took and how much memory.
struct ChildRun: Sendable {
  /// The arguments.
  let arguments: [String]
  /// The exit code; nil where a signal ended it.
  let code: Int32?
  /// The signal that ended it.
  let signal: Int32?
  /// The seconds it took.
  let seconds: Double
  /// The seconds that processors worked for it, which a busy machine makes no longer.
  let processorSeconds: Double
  /// The largest resident memory, in 2^20 bytes.
  let megabytes: Double
  /// The end of standard error.
  let messages: String

  /// A run that takes longer is killed; far more than any of them needs, so that a busy machine fails nothing.
  static let patience = 20.0 * sanitized
  /// How many times as long and as large a run may be under a sanitizer of the compiler (`make sanitize`); 1 without.
  static let sanitized: Double =
    (ProcessInfo.processInfo.environment["POTSTILL_SANITIZED"] ?? "").isEmpty ? 1 : 8

  /// What a message says of it.
  var summary: String {
    let end = code.map { "exit code \($0)" } ?? "signal \(signal ?? 0)"
    let told = seconds >= Self.patience ? "killed, " : ""
    return
      "potstill \(arguments.joined(separator: " ")): \(told)\(end), \(String(format: "%.1f", seconds)) s, "
      + "\(Int(megabytes)) MB: \(messages.suffix(400))"
  }
}

/// The `potstill` program that was built with the tests.
struct ToolProcess: Sendable {
  /// The program.
  let path: String

  /// The program beside the bundle of the tests; nil where there is none.
  init?() {
    let arguments = CommandLine.arguments
    var candidates: [URL] = []
    if let index = arguments.firstIndex(of: "--test-bundle-path"), index + 1 < arguments.count {
      candidates.append(URL(filePath: arguments[index + 1]))
    }
    candidates.append(URL(filePath: arguments[0]))
    candidates.append(contentsOf: Bundle.main.executableURL.map { [$0] } ?? [])
    for candidate in candidates {
      var folder = candidate.absoluteURL.deletingLastPathComponent()
      // On macOS the bundle is a folder.
      for _ in 0..<4 {
        let tool = folder.appending(path: "potstill").path
        if FileManager.default.isExecutableFile(atPath: tool) {
          path = tool
          return
        }
        folder.deleteLastPathComponent()
      }
    }
    return nil
  }

  /// Runs one command line to its end, or kills it.
  ///
  /// - Parameters:
  ///   - scratch: A folder for what it says.
  ///   - environment: More variables than the few that it has; without them it reaches no network.
  ///   - limits: What the shell is told before it becomes the program; what runs away shall take itself down, and not the
  ///     machine.
  func run(
    _ arguments: [String], scratch: URL, environment: [String: String] = [:],
    limits: String = ChildRun.sanitized == 1 ? "ulimit -v 6291456" : "true"
  ) -> ChildRun {
    let log = scratch.appending(path: "\(UUID().uuidString).log").path
    defer { try? FileManager.default.removeItem(atPath: log) }
    var actions: posix_spawn_file_actions_t = .init()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    let words = ["/bin/sh", "-c", "\(limits); exec \"$0\" \"$@\"", path] + arguments
    var cWords = words.map { strdup($0) } + [nil]
    defer { for word in cWords { free(word) } }
    let inherited = ProcessInfo.processInfo.environment.filter {
      // The matrix library's core too: runs of both kinds are compared to the bit.
      ["PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR", "OPENBLAS_CORETYPE"].contains($0.key)
        || $0.key.hasSuffix("SAN_OPTIONS") || $0.key.hasPrefix("UCX_MEM_")
    }
    let usual = [
      "SWIFT_BACKTRACE": "enable=no", "HF_HUB_OFFLINE": "1", "POTSTILL_SERVE_TOKEN": "0123456789abcdef",
    ]
    let added = usual.merging(environment) { $1 }
    let variables = inherited.merging(added) { $1 }.map { "\($0.key)=\($0.value)" }
    var cVariables = variables.map { strdup($0) } + [nil]
    defer { for variable in cVariables { free(variable) } }
    // Whoever started the tests in the background has switched SIGINT off for them, and their threads block signals.
    var attributes: posix_spawnattr_t = .init()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var interrupts = sigset_t()
    sigemptyset(&interrupts)
    sigaddset(&interrupts, SIGINT)
    posix_spawnattr_setsigdefault(&attributes, &interrupts)
    var nothing = sigset_t()
    sigemptyset(&nothing)
    posix_spawnattr_setsigmask(&attributes, &nothing)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    var child: pid_t = 0
    let clock = ContinuousClock.now
    guard posix_spawn(&child, "/bin/sh", &actions, &attributes, &cWords, &cVariables) == 0 else {
      return ChildRun(
        arguments: arguments, code: nil, signal: 0, seconds: 0, processorSeconds: 0, megabytes: 0,
        messages: "cannot be started")
    }
    var (status, usage): (Int32, rusage) = (0, rusage())
    var seconds = 0.0
    var isKilled = false
    var peak = 0.0
    while wait4(child, &status, isKilled ? 0 : WNOHANG, &usage) == 0 {
      peak = Self.peakMegabytes(of: child) ?? peak
      seconds = (ContinuousClock.now - clock) / .seconds(1)
      if seconds > ChildRun.patience {
        kill(child, SIGKILL)
        isKilled = true
      } else {
        usleep(2000)
      }
    }
    seconds = (ContinuousClock.now - clock) / .seconds(1)
    let signal = status & 0x7F
    let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    #if os(macOS)
      peak = Double(usage.ru_maxrss) / 1_048_576
    #endif
    return ChildRun(
      arguments: arguments, code: signal == 0 ? (status >> 8) & 0xFF : nil,
      signal: signal == 0 ? nil : signal,
      seconds: seconds, processorSeconds: Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime),
      megabytes: peak, messages: said)
  }

  private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

  /// The largest resident memory of a living process so far, in 2^20 bytes.
  ///
  /// What `wait4` says would count the memory of these tests too, from which the process was forked.
  private static func peakMegabytes(of process: pid_t) -> Double? {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
    else { return nil }
    return line.split(separator: " ").compactMap { Double($0) }.first.map { $0 / 1024 }
  }

  /// Runs many command lines, some at once, and returns what they did in their order.
  ///
  /// - Parameter prepare: Makes the arguments of the run at a place, and afterwards cleans up.
  func runAll(
    _ count: Int, atOnce: Int, scratch: URL, arguments: @escaping @Sendable (Int) -> [String]
  ) -> [ChildRun] {
    let next = Atomic<Int>(0)
    let results = Mutex<[Int: ChildRun]>([:])
    DispatchQueue.concurrentPerform(iterations: atOnce) { _ in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        let run = run(arguments(index), scratch: scratch)
        results.withLock { $0[index] = run }
      }
    }
    return results.withLock { all in (0..<count).compactMap { all[$0] } }
  }
}
