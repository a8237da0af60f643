import Synchronization

/// What cutting a text needs beside the vocabulary: room for a word, and the words merged lately.
struct MergeWorkspace {
  private(set) var scratch = MergeScratch()
  private var cache = WordCache()

  /// Cuts a word into tokens, which `scratch` then holds.
  ///
  /// - Parameter key: the word's key, nil for a word too long for one.
  mutating func merge(_ word: Span<UInt8>, _ key: WholeWords.Key?, by table: MergeTable) {
    guard let key else {
      scratch.merge(word, by: table)
      return
    }
    if cache.find(key, into: &scratch.pieces) { return }
    scratch.merge(word, by: table)
    cache.store(key, scratch.pieces)
  }
}

/// Workspaces that wait for the next text: as many as texts were cut at a time.
final class MergeWorkspaces: Sendable {
  private let free = Mutex<[MergeWorkspace]>([])

  /// Takes a workspace, which nobody else has meanwhile.
  func take() -> MergeWorkspace { free.withLock { $0.popLast() } ?? MergeWorkspace() }

  /// Gives a workspace back.
  func giveBack(_ workspace: consuming MergeWorkspace) {
    free.withLock { [workspace] in $0.append(workspace) }
  }
}
