import Cluster
import Datasets
import Foundation
import ModelFormats
import Tasks
import Training

/// Way in which a run asks its teacher: in every step, once with the answers in memory or in the run folder, or not at all.
struct TeacherAnswers {
  /// Source of the answers.
  enum Source: Equatable {
    /// The teacher, in every step; with the reason, where answers might have been kept.
    case asking(because: String?)
    /// Memory, once a batch was seen.
    case memory
    /// A file of the run folder, deleted at the end; with its size in bytes.
    case file(URL, bytes: Int)
    /// A cache that was built before; with its name in messages.
    case cache(String)
  }

  /// Source of the answers.
  let source: Source
  private let budget: CacheBudget
  private let hasFolder: Bool

  /// Chooses the source of the answers for a run.
  ///
  /// - Parameters:
  ///   - keepsAnswers: Whether the user wants answers kept; nil leaves it to the run: answers are kept unless there is one epoch only, they
  ///     cannot be kept, or do not fit.
  ///   - cachePath: The cache that is there, as messages call it, if there is one.
  ///   - maxGB: How large one may be, in 10^9 bytes; nil takes half of what is free.
  ///   - distiller: What the answers are for.
  ///   - examples: The training data as the teacher reads it.
  ///   - epochs: The passes over it.
  ///   - folder: The run folder; nil for a plan without one.
  /// - Throws: `DistillationError.cache` when the user wants what cannot be.
  init(
    keepsAnswers: Bool?, cachePath: String?, maxGB: Double?, distiller: GeneralDistiller,
    examples: EncodedExamples,
    epochs: Double, folder: URL?
  ) throws {
    let (config, parts, obstacle) = (distiller.config, distiller.cachedParts, distiller.cacheObstacle)
    hasFolder = folder != nil
    let file = (folder ?? URL(filePath: ".")).appending(path: TeacherCacheFile.fileName)
    budget = .of(gigabytes: maxGB, at: file)
    if let cachePath {
      source = .cache(cachePath)
    } else if config.matches.isEmpty {
      source = config.cacheTeacherLogits ? .memory : .asking(because: nil)
    } else if keepsAnswers == false || (keepsAnswers == nil && epochs <= 1) {
      source = .asking(because: nil)
    } else if let fault = obstacle ?? budget.fault(of: parts, lengths: examples.lengths) {
      guard keepsAnswers == nil else {
        throw TaskError(
          "--cache-teacher-logits cannot be had: \(obstacle ?? "the file " + fault); leave it out, and the teacher runs in "
            + "every step")
      }
      source = .asking(because: obstacle ?? "a file of them " + fault)
    } else {
      source = .file(
        file, bytes: TeacherCacheDescription.byteCount(of: parts, lengths: examples.lengths))
    }
  }

  /// The configuration as the run's recipe holds it, so that it repeats what was decided.
  func applied(to config: DistillationConfig) -> DistillationConfig {
    var config = config
    if case .file = source { config.cacheTeacherLogits = true }
    return config
  }

  /// The source of the answers, as far as their last bits depend on it, with the option that chooses it.
  ///
  /// Answers to be kept are computed in other batches than those of a step, and layers are kept in half precision.
  var identity: String {
    switch source {
    case .asking: "asked in every step (--no-cache-teacher-logits)"
    case .memory: "memory"
    case .file, .cache: "file (--cache-teacher-logits)"
    }
  }

  /// The cache in the plan; nil where no file is used.
  var plan: CachePlan? {
    switch source {
    case .asking, .memory: nil
    case .file(let url, let bytes):
      CachePlan(bytes: bytes, place: hasFolder ? url.relativePath : "the run folder", isTemporary: true)
    case .cache(let path): CachePlan(bytes: nil, place: path, isTemporary: false)
    }
  }

  /// The work that runs the teacher over the data where the answers go to the run folder, and says so; nil where they do not.
  ///
  /// It throws `JobInterruption` when an observer breaks the run off, and `DistillationError.cache`.
  func asking(
    _ distiller: GeneralDistiller, teacher: LoadedTeacher, examples: EncodedExamples,
    observers: [any TrainingObserver], listener: any WorkListener
  ) -> (() throws -> Void)? {
    switch source {
    case .asking(let reason):
      if let reason { listener.note("the teacher runs in every step, its answers are not kept: \(reason)") }
      return nil
    case .memory, .cache: return nil
    case .file(let url, let bytes):
      return { [budget] in
        listener.note(
          "the teacher runs once over the data; its answers take \(CacheBudget.text(bytes)) in \(url.relativePath), "
            + "which is deleted at the end (--no-cache-teacher-logits runs it in every step instead)")
        defer { listener.progressEnded() }
        try distiller.cacheTeacher(
          over: examples, in: url, name: teacher.path, tokenizer: teacher.tokenizer, budget: budget,
          isTemporary: true,
          progress: {
            listener.progress("Asking the teacher", done: $0, total: examples.count)
            try JobInterruption.check(
              observers,
              "the answers so far are kept; the same command with --overwrite-output-dir goes on from them")
          })
      }
    }
  }

  /// The folder of the file that the run makes for itself; nil where it makes none.
  var ownFolder: URL? {
    if case .file(let url, _) = source { url.deletingLastPathComponent() } else { nil }
  }

  /// Deletes what the run alone needed.
  func cleanUp() {
    guard let ownFolder, Ranks.process.isFirst else { return }
    for url in TeacherCacheFile.ofRun(in: ownFolder) { try? TemporaryName.remove(url) }
  }
}

extension CacheBudget {
  /// A budget in GB of 10^9 bytes; nil takes half of what is free where a file shall be.
  package static func of(gigabytes: Double?, at url: URL) -> CacheBudget {
    gigabytes.map { CacheBudget(bytes: Int($0 * 1e9)) } ?? .halfOfFreeSpace(at: url)
  }
}

/// Error of work that an observer broke off before the training loop.
public struct JobInterruption: Error, CustomStringConvertible {
  /// Note on what is kept, and how to go on.
  public let description: String

  /// Breaks work off that has no steps, such as asking a teacher, if an observer says so.
  ///
  /// - Throws: `JobInterruption`.
  package static func check(_ observers: [any TrainingObserver], _ remedy: String) throws {
    guard observers.contains(where: \.isInterrupted) else { return }
    throw JobInterruption(description: "interrupted; \(remedy)")
  }
}
