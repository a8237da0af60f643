import Compression
import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks

/// Choice of a teacher's layers that a cache shall keep.
struct CacheSelection {
  private let config: EncoderConfig
  private let teacher: ModelDescription
  private let studentLayers: Int?
  private let copiedLayers: [Int]?

  /// A choice of one teacher's layers.
  ///
  /// - Parameters:
  ///   - folder: The teacher.
  ///   - student: The student as a job names it, of which depth and copied layers count.
  init(of folder: TokenizedModel, student: String?) throws {
    config = folder.model.config
    teacher = ModelDescription(folder.model, name: folder.path)
    let (form, depth) = (try student.map { try StudentForm($0) }, folder.model.config.layerCount)
    studentLayers = try form?.layerCount(of: depth)
    copiedLayers = try form?.shape?.layers(of: depth)?.map { $0 + 1 }
  }

  /// The layers of a list of numbers and of matches; where both name one, all its rows.
  ///
  /// - Parameters:
  ///   - hiddenStates: Numbers between commas: 0 is the embeddings, -1 the last layer.
  ///   - matches: Matches as a configuration holds them.
  func parts(hiddenStates: String?, matches: [JSONValue]) throws -> [CachedPart] {
    let listed = try hiddenStates.map(layers) ?? []
    let matched = try matchedParts(matches).filter { !listed.contains($0.index) }
    return listed.map { .hidden($0, of: config) } + matched
  }

  private func layers(_ text: String) throws -> [Int] {
    let count = config.layerCount
    let numbers = try text.split(separator: ",").map { word in
      guard let number = Int(word.filter { $0 != " " }), number >= -count - 1, number <= count else {
        throw TaskError(
          "--hidden-states \(text): found \"\(word)\", expected numbers from 0 (the embeddings) to \(count), or "
            + "\(-count - 1) to -1 from the end")
      }
      return number < 0 ? count + 1 + number : number
    }
    return Set(numbers).sorted()
  }

  private func matchedParts(_ sources: [JSONValue]) throws -> [CachedPart] {
    if sources.isEmpty { return [] }
    var matches = DistillationConfig(json: ["intermediate_matches": .array(sources)])
    // Widths do not matter here, so nothing is projected.
    let bare = { (match: IntermediateMatch) -> MatchSource in
      var match = match
      match.projection = nil
      return .match(match)
    }
    matches.matches = try matches.matches.flatMap { source -> [MatchSource] in
      switch source {
      case .match(let match): return [bare(match)]
      // An unknown name is what validation reports.
      case .preset(let name): return MatchPresets.matches(named: name)?.map(bare) ?? [source]
      case .custom: return [source]
      case .map(let map, let loss, let weight, _):
        guard studentLayers != nil else {
          throw TaskError(
            "--match \(map.rawValue) pairs layers by the student's depth; name it with --student, or the layers with "
              + "--hidden-states")
        }
        return [.map(map, loss: loss, weight: weight, projection: nil)]
      }
    }
    // A stand-in as wide as the teacher, and deep enough for any number that is written.
    var student = teacher
    student.layers = studentLayers ?? 1000
    student.copiedLayers = copiedLayers
    let (resolved, found) = matches.resolved(teacher: teacher, student: student)
    let faults = found.filter { $0.severity == .fault }
    guard faults.isEmpty else { throw DistillationError.invalidConfiguration(faults) }
    if let obstacle = matches.cacheObstacle(teacher: teacher, matches: resolved) {
      throw TaskError("these matches cannot be cached: \(obstacle)")
    }
    return CachedPart.parts(for: resolved, of: config)
  }
}

extension StudentForm {
  /// The depth of such a student of a teacher of some layers.
  fileprivate func layerCount(of teacher: Int) throws -> Int {
    switch self {
    case .shape(let shape): return try shape.layerCount(of: teacher)
    case .compressed(let steps):
      switch steps.first(where: { $0.kind == .layers })?.amount {
      case .count(let count)?: return min(count, teacher)
      case .share(let share)?: return max(1, Int((share * Double(teacher)).rounded()))
      case nil: return teacher
      }
    }
  }
}

extension StudentShape {
  /// The depth of such a student of a teacher of some layers.
  fileprivate func layerCount(of teacher: Int) throws -> Int {
    if let layers = try layers(of: teacher) { return layers.count }
    switch self {
    case .preset(let preset): return preset.maskedLanguageModel(vocabularySize: 1).layerCount
    case .directory(let path): return try EncoderConfig(directory: URL(filePath: path)).layerCount
    case .evenlySpaced, .selected, .layers, .wordStudent: return 1
    }
  }
}
