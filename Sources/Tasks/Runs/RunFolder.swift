import Cluster
public import Foundation
public import ModelFormats
public import Training

/// The run folder while a model is trained into it.
public struct RunFolder {
  /// Log of metrics and results.
  public let log: RunLog
  /// Observer that removes an older run and writes the recipe once the run begins; the first of the run's observers.
  public let beginning: RunBeginning
  /// Settings that differ from those of the run that goes on.
  public let continued: ContinuedSettings
  private let folder: OutputFolder
  /// Texts of the run's reports.
  private let description: RunDescription
  /// Name of a part of a run; nil for the run itself.
  private let part: String?
  /// Lock until the run is over; nil for a folder inside that of a run.
  private let lock: FolderLock?
  /// Record of what makes the folder; nil for a folder inside that of a run.
  private let record: ProvenanceRecord?

  /// Makes and locks the folder; what an older run left stays until the run begins, since a run that is refused changes
  /// nothing.
  ///
  /// - Parameters:
  ///   - folder: The folder, which the user gave free where it holds files.
  ///   - recipe: The options that are really used.
  ///   - name: The file that holds them.
  ///   - point: Where the run goes on from; nil for one that begins, which leaves nothing of an older one.
  ///   - inputs: What the run reads; it is never removed.
  ///   - record: Record of what makes the folder; nil leaves that untold.
  ///   - plan: The plan, line by line, for reports.
  ///   - members: Folders inside this one that hold results of the run, of several tasks.
  ///   - clearing: Work that clears away what else an older run has left.
  public init(
    _ folder: OutputFolder, recipe: String, named name: String = "recipe.yaml", resuming point: ResumePoint?,
    inputs: [String], record: ProvenanceRecord? = nil, plan: [String] = [],
    members: [URL] = [], clearing: @escaping () throws -> Void = {}
  ) throws {
    let writes = Ranks.process.isFirst
    if writes { try folder.create() }
    lock = writes ? try FolderLock(folder.url) : nil
    continued = ContinuedSettings(of: recipe, named: name, resuming: point, in: folder.url)
    let older = folder.isReused ? ([folder.url] + members).map { OlderRun($0) } : []
    if point == nil { for run in older { try run.check(inputs: inputs) } }
    self.record = record
    beginning = RunBeginning {
      guard writes else { return }
      // Of the run that goes on, before its results make place for the new ones.
      let before = point == nil ? nil : try? Provenance(of: folder.url)
      for run in older { try run.remove(keepsCheckpoints: point != nil, inputs: inputs) }
      try clearing()
      try folder.write(recipe, as: name)
      try record?.begin(goingOnFrom: before)
    }
    self.folder = folder
    let own = folder.url.absoluteURL.standardizedFileURL.lastPathComponent
    (description, part) = (RunDescription(own, recipe: recipe, recipeName: name, plan: plan), nil)
    log = try RunLog(folder.url, isMade: writes)
  }

  /// The folder of a part of a run inside its own, of the first stage or the baseline.
  ///
  /// - Parameters:
  ///   - url: The folder.
  ///   - run: The folder of the whole run.
  ///   - point: Where the part goes on from; nil for one that begins.
  ///   - plan: The plan of the part, line by line, for reports.
  ///   - members: Folders inside this one that hold results of several tasks.
  public init(
    part url: URL, of run: RunFolder, resuming point: ResumePoint?, plan: [String] = [], members: [URL] = []
  ) throws {
    let folder = try OutputFolder(url.relativePath, overwrite: true)
    (lock, record) = (nil, nil)
    continued = ContinuedSettings(of: "", named: "", resuming: nil, in: url)
    let writes = Ranks.process.isFirst
    beginning = RunBeginning {
      guard writes else { return }
      // The beginning of the whole run may have removed it with what an older run left there.
      try folder.create()
      for older in [url] + members { try OlderRun(older).remove(keepsCheckpoints: point != nil) }
    }
    self.folder = folder
    var description = run.description
    let part = url.lastPathComponent
    (description.name, description.plan) = ("\(description.name)/\(part)", plan)
    (self.description, self.part) = (description, part)
    log = try RunLog(url, isMade: writes)
  }

  /// Observers of a training in this folder, the first of all: what clears it, the log, and the reports that the settings ask for;
  /// none on ranks that do not write.
  public func observers(_ settings: TrainingConfig) -> [any TrainingObserver] {
    guard Ranks.process.isFirst else { return [] }
    var run = description
    run.settings = settings
    return [beginning, log] + run.reports(in: folder.url, part: part)
  }

  /// Folder of resumable checkpoints: those that the settings ask for, and that of a run that is interrupted.
  public func checkpoints(of trained: TokenizedModel, origin: RunOrigin) -> CheckpointFolder {
    CheckpointFolder(folder.url, origin: origin) { try trained.save(to: $0, as: .float32) }
  }

  /// Notes the fingerprints of all files once the run has written them, on the rank that writes; first says which of them
  /// somebody has removed meanwhile, and writes the recipe again.
  ///
  /// - Throws: `FormatError`.
  public func seal(telling listener: some WorkListener) throws {
    guard Ranks.process.isFirst else { return }
    let recipe = folder.url.appending(path: description.recipeName)
    let gone = [recipe, log.metricsFile, log.tableFile].filter {
      !FileManager.default.fileExists(atPath: $0.path)
    }
    let isRecipeGone = gone.contains(recipe)
    if isRecipeGone { try folder.write(description.recipe, as: description.recipeName) }
    if !gone.isEmpty {
      listener.warn(
        "\(gone.map(\.lastPathComponent).joined(separator: ", ")) of \(folder.url.relativePath) went while the run was going on; "
          + (isRecipeGone ? "the recipe is written again" : "the lines until then are lost"))
    }
    try record?.finish()
  }

  /// Gives the folder free for other runs.
  public func release() { lock?.release() }

  /// Writes the trained model and the last evaluation; returns everything in `all_results.json`.
  public func finish(_ model: TokenizedModel, evaluation: EvaluationResult?) throws -> JSONObject {
    try model.save(to: folder.url)
    if let evaluation { try log.writeResults("eval", evaluation.json) }
    return try results()
  }

  /// Everything in `all_results.json`.
  public func results() throws -> JSONObject {
    try JSONValue(contentsOf: folder.url.appending(path: "all_results.json")).objectValue ?? JSONObject()
  }
}

/// An observer that does something once, when training begins or goes on.
public final class RunBeginning: TrainingObserver {
  private var work: (() throws -> Void)?

  /// An observer with its work.
  public init(_ work: @escaping () throws -> Void) { self.work = work }

  /// Does the work.
  public func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int) throws {
    try work?()
    work = nil
  }
}
