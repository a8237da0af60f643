public import Foundation
import Kernels
import ModelFormats

/// Provenance of an output folder, its `provenance.json`: what made it, of what, and the fingerprints of all that it holds.
///
/// It is written when the work begins and again when all files are there. It tells a changed file from one that is as it was
/// written; against somebody who changes both it is no protection.
public struct Provenance: Sendable, Equatable, Codable {
  /// The name of the file.
  public static let fileName = "provenance.json"
  /// The form that is written, and the newest that is read.
  static let form = 1

  /// The form of the file.
  public private(set) var form = Self.form
  /// The work that made the folder.
  public internal(set) var madeBy: Making
  /// Works that it went on from, the first before the others.
  public internal(set) var earlier: [Making]?
  /// Works that wrote more into the folder afterwards.
  public internal(set) var further: [Making]?
  /// The files of the folder, but for checkpoints, which have lists of their own; nil while the work has not ended.
  public internal(set) var files: [StoredFile]?

  enum CodingKeys: String, CodingKey {
    case form = "provenance"
    case madeBy = "made_by"
    case earlier, further, files
  }

  /// Work that wrote a folder: the command, the program, the machine and the time.
  public struct Making: Sendable, Equatable, Codable {
    /// The command line as it was given; nil where a program of somebody else's called the library.
    public var commandLine: [String]?
    /// The version of Potstill.
    public var version = LibraryVersion.current
    /// The commit that it was built from; nil where nobody knows it.
    public var commit: String?
    /// The files that it read: data, models, teachers' answers.
    public var inputs: [Input]
    /// Seeds by the names of their settings.
    public var seeds: [String: UInt64]
    /// The machine.
    public var machine = ProvenanceMachine()
    /// Processes that worked together; nil for one.
    public var ranks: Int?
    /// The time of its beginning (ISO 8601).
    public var started: String
    /// The time of its end; nil where it has not ended.
    public var finished: String?

    /// A work that begins now.
    init(_ invocation: Invocation?, inputs: [Input], seeds: [String: UInt64], ranks: Int) {
      (commandLine, commit) = (invocation?.commandLine, invocation?.commit)
      (self.inputs, self.seeds) = (inputs, seeds)
      self.ranks = ranks > 1 ? ranks : nil
      started = Self.now
    }

    /// The time.
    static var now: String { Date.now.formatted(.iso8601) }

    enum CodingKeys: String, CodingKey {
      case commandLine = "command_line"
      case version = "potstill"
      case commit, inputs, seeds, machine, ranks, started, finished
    }
  }

  /// File with its size and SHA-256.
  public struct StoredFile: Sendable, Equatable, Codable {
    /// Path in the folder; nil of an input that is a file itself.
    public let path: String?
    /// The number of bytes.
    public let bytes: Int
    /// The SHA-256 of the bytes in hexadecimal.
    public let sha256: String

    /// The file as it is now.
    ///
    /// - Throws: `FormatError.cannotRead`.
    init(_ url: URL, path: String?) throws(FormatError) {
      self.path = path
      bytes = try FileReader(path: url.path).count
      sha256 = try Digest.text(ofFile: url.path, by: .sha256)
    }
  }

  /// Something that a folder was made of: a file, or a folder with those of its files that matter.
  public struct Input: Sendable, Equatable, Codable {
    /// The part that it played, such as `train_file`, `teacher` or `teacher_cache`.
    public let role: String
    /// The path as the user gave it, or a model's name on the hub.
    public let path: String
    /// The files.
    public let files: [StoredFile]
  }

  init(madeBy: Making) { self.madeBy = madeBy }

  /// The works whose inputs can be compared with what is there now: the one that made the folder, and those after it.
  var works: [Making] { [madeBy] + (further ?? []) }

  // MARK: The file

  /// Reads the file of a folder; nil where there is none.
  ///
  /// - Throws: `FormatError` with the file and the field.
  public init?(of folder: URL) throws {
    let file = folder.appending(path: Self.fileName)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    // The parser of the house first: it says line and column.
    let json = try JSONValue(contentsOfRegularFile: file)
    guard json["provenance"]?.intValue == Self.form else {
      throw FormatError.field(
        file: file.path, path: "provenance",
        reason:
          "found \(printable(json["provenance"]?.compactText ?? "nothing", atMost: 80)), expected \(Self.form)"
          + (json["provenance"] == nil ? "" : "; take a newer Potstill"))
    }
    do {
      self = try JSONDecoder().decode(Provenance.self, from: Data(json.compactText.utf8))
    } catch let error as DecodingError {
      throw FormatError.field(file: file.path, path: "(the whole)", reason: Self.reason(of: error))
    }
    // A file of somebody else's names nothing outside of its folder.
    for stored in files ?? [] {
      let parts = (stored.path ?? "").split(separator: "/", omittingEmptySubsequences: false)
      if parts.contains(where: { $0.isEmpty || $0 == ".." }) {
        throw FormatError.field(
          file: file.path, path: "files",
          reason:
            "found \"\(printable(stored.path ?? "", atMost: 80))\", expected the paths of files in the folder"
        )
      }
    }
  }

  private static func reason(of error: DecodingError) -> String {
    let found =
      switch error {
      case .keyNotFound(let key, _): "\(key.stringValue) is missing"
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
        context.codingPath.map(\.stringValue).joined(separator: ".") + ": \(context.debugDescription)"
      @unknown default: "it cannot be read"
      }
    return found + "; expected what a run of this version writes"
  }

  /// Writes the file.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  func write(to folder: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try JSONValue(parsing: Array(encoder.encode(self))).write(to: folder.appending(path: Self.fileName))
  }
}

/// Machine of a work, as far as its numbers may depend on it.
public struct ProvenanceMachine: Sendable, Equatable, Codable {
  /// The name of the processor.
  public let processor: String
  /// The processors that the system grants.
  public let processors: Int
  /// The workers in use.
  public let threads: Int
  /// The memory in bytes.
  public let memory: Int
  /// The body of Potstill's own loops that runs, such as `x86-64-v4`.
  public let kernels: String
  /// The matrix library with its version; nil where none can be loaded.
  public let matrixLibrary: String?
  /// The processor family whose kernels of the matrix library run; nil where it does not tell.
  public let matrixKernels: String?

  /// This machine, as the system describes it.
  init() {
    let machine = Machine.probe()
    (processor, processors, memory) = (machine.name, machine.processors, machine.memory)
    (threads, kernels) = (Parallel.threadCount, machine.kernelLevel)
    let library = try? BLAS.load()
    matrixLibrary = library.map { [$0.kind, $0.version].compactMap { $0 }.joined(separator: " ") }
    matrixKernels = library?.core
  }

  enum CodingKeys: String, CodingKey {
    case processor, processors, threads, kernels
    case memory = "memory_bytes"
    case matrixLibrary = "blas"
    case matrixKernels = "blas_kernels"
  }
}
