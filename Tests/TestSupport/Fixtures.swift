import Foundation

/// Finds the golden files of the test suite.
public enum Fixtures {
  /// The folder `Tests/Fixtures` of this checkout.
  public static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures")

  /// One golden file or folder, by its path below `Tests/Fixtures`.
  public static func url(_ path: String) -> URL { directory.appending(path: path) }
}
