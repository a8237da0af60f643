public import Foundation

/// A point that a run goes on from: a checkpoint that is named, or the newest of the run.
public struct ResumePoint: Sendable, Equatable {
  /// Where the checkpoint is.
  public enum Place: Sendable, Equatable {
    /// The newest checkpoint in the run folder that is whole and of this run.
    case newest
    /// The newest likewise, or the beginning where there is none.
    case newestIfAny
    /// A folder `checkpoint-<step>`.
    case checkpoint(URL)
  }

  /// Where the checkpoint is.
  public let place: Place
  /// Whether a checkpoint of a run that differs in data, models or settings will do.
  public let acceptsDifferences: Bool

  /// A point to go on from.
  public init(_ place: Place, acceptsDifferences: Bool = false) {
    self.place = place
    self.acceptsDifferences = acceptsDifferences
  }

  /// A checkpoint of this very run.
  public static func checkpoint(_ url: URL) -> ResumePoint { ResumePoint(.checkpoint(url)) }

  /// The newest checkpoint of this very run.
  public static var newest: ResumePoint { ResumePoint(.newest) }
}
