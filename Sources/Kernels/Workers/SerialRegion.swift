import Foundation

/// Knows whether this thread is in a region that runs serially.
///
/// A region that finds the pool taken runs on its own thread; without this its nested regions would go to the pool once
/// that is free again, and not stay on the thread as they do inside the pool.
package enum SerialRegion {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let failure = pthread_key_create(&key, nil)
    precondition(failure == 0, "The system has no thread-specific key left (error \(failure)).")
    return key
  }()

  /// Whether the calling thread is in one.
  package static var isCurrent: Bool { pthread_getspecific(key) != nil }

  /// Runs `body` as one.
  package static func run(_ body: () -> Void) {
    let outer = pthread_getspecific(key)
    pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1))
    body()
    pthread_setspecific(key, outer)
  }
}
