import ArgumentParser

/// How much disk a teacher's kept answers may take.
package struct CachingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The most that kept answers may take on disk, in GB (default: half of what is free).", valueName: "gb"))
  package var maxCacheGb: Double?

  package init() {}

  package mutating func validate() throws {
    if let maxCacheGb, !(maxCacheGb > 0 && maxCacheGb < 1e9) {
      throw ValidationError("--max-cache-gb is \(maxCacheGb); expected more than 0 and less than 1000000000.")
    }
  }
}
