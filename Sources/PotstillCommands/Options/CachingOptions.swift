import ArgumentParser
import Distillation
import Foundation

/// Where a teacher's answers are kept.
package struct CachingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Answers of the teacher made by 'potstill cache'; --teacher may then be left out.", valueName: "folder")
  )
  package var teacherCache: String?

  @Option(
    help: ArgumentHelp(
      "The most that kept answers may take on disk, in GB (default: half of what is free).", valueName: "gb"))
  package var maxCacheGb: Double?

  package init() {}

  package mutating func validate() throws {
    if let maxCacheGb, !(maxCacheGb > 0 && maxCacheGb < 1e9) {
      throw ValidationError("--max-cache-gb is \(maxCacheGb); expected more than 0.")
    }
  }

  /// How much disk a file may take.
  func budget(at url: URL) -> CacheBudget {
    maxCacheGb.map { CacheBudget(bytes: Int($0 * 1e9)) } ?? .halfOfFreeSpace(at: url)
  }
}
