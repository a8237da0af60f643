public import Compression
public import Distillation
import Encoders
import Foundation
import ModelFormats
public import Tasks
import Training

/// Job of a compression: a model is made smaller step by step, distilled after each, and measured; the best trade-offs stay.
///
/// ```swift
/// var task = JobTask(try TaskDefinition(contentsOf: taskFile), data: "SST-2/")
/// var job = CompressionJob(
///   "teacher/", steps: try CompressionStep.list("vocab,layers,ffn,int8"),
///   distilling: try DistillationJob(task, student: JobStudent("teacher/")), output: "smaller/")
/// job.target = try CompressionTarget("4x")
/// for point in try job.prepare().run().points where point.isOnFront { print(point) }
/// ```
public struct CompressionJob: Sendable, Equatable {
  /// The Hugging Face directory of the model.
  public var model: String
  /// The steps in their order; one without an amount gets it from the target.
  public var steps: [CompressionStep]
  /// Size or latency to reach in floats; nil where every step has its amount.
  public var target: CompressionTarget?
  /// The task with its data and teachers, and the settings by which the model is distilled after each step.
  ///
  /// Student and output are the job's own. Without a teacher the model itself is it.
  public var distillation: DistillationJob
  /// Whether the model is distilled after each step, and not only cut.
  public var distils = true
  /// Measure of what matters; nil takes labels where rows have them, else logits.
  public var measure: ImportanceMeasure?
  /// Form of pruned models; nil takes one that `transformers` loads, unless heads are cut alone.
  public var form: PrunedForm?
  /// The number of cuts of each structured step, with a part of the distillation after each.
  public var iterations = 1
  /// Matrices that stay floats in any case, as `TaskModel.quantized(keeping:)` names them.
  public var keeping: [String] = []
  /// The most that integers may cost of the score, as a share of its scale: 0.003 is 0.3 points.
  public var maxDrop = 0.003
  /// Hours for everything, to which distillations are shortened; nil lets them run as their settings say.
  public var hours: Double?
  /// Whether models stay that others beat in size, latency and score at once.
  public var keepsAll = false
  /// The folder of everything; nil for a job that is planned alone.
  public var output: String?
  /// Whether the folder may hold files of something else, or of a compression with other settings, which go.
  public var overwritesOutput = false

  /// A job of a model, its steps and its distillation.
  public init(
    _ model: String, steps: [CompressionStep], distilling distillation: DistillationJob, output: String? = nil
  ) {
    (self.model, self.steps, self.output) = (model, steps, output)
    self.distillation = distillation
    if self.distillation.tasks.first?.teachers.isEmpty == true {
      self.distillation.tasks[0].teachers = [JobTeacher(model)]
    }
  }

  /// Form in which pruned models come out.
  var prunedForm: PrunedForm {
    let kinds = Set(steps.map(\.kind))
    return form ?? (kinds.contains(.heads) && !kinds.contains(.hidden) ? .compact : .loadable)
  }

  /// Faults that are found without reading a file.
  var faults: [Fault] {
    var faults: [Fault] = []
    if distillation.tasks.count != 1 {
      faults.append(Fault("task", "found \(distillation.tasks.count), expected one"))
    }
    if steps.isEmpty { faults.append(Fault("methods", "found none, expected some, such as layers,ffn,int8")) }
    if let place = steps.firstIndex(where: { $0.kind == .int8 }), place < steps.count - 1 {
      faults.append(
        Fault("methods", "int8 makes one more model of each; write it last, since integers are not trained"))
    }
    let open = steps.filter { $0.kind.needsAmount && $0.amount == nil }
    if target == nil, let first = open.first {
      faults.append(
        Fault(
          "target", "is missing, and \(first) has no amount; give one of the two, such as 4x or \(first)=50%")
      )
    }
    if target != nil, open.isEmpty {
      faults.append(
        Fault("target", "decides nothing: every step that could follow it has an amount; leave it out"))
    }
    if iterations < 1 {
      faults.append(Fault("iterations", "found \(iterations), expected a whole number from 1"))
    }
    if !(maxDrop >= 0 && maxDrop <= 1) {
      faults.append(Fault("max_drop", "found \(maxDrop), expected a share from 0 to 1, such as 0.003"))
    }
    if let hours, !(hours > 0 && hours <= 10_000) {
      faults.append(Fault("hours", "found \(hours), expected a time above 0"))
    }
    if !keeping.isEmpty, !steps.contains(where: { $0.kind == .int8 }) {
      faults.append(Fault("keep", "names matrices that stay floats, but int8 is not among the methods"))
    }
    return faults
  }

  /// Settings that decide what comes out, by which a folder knows its job.
  func settings() throws -> JSONObject {
    var job = distillation
    (job.output, job.resumption, job.overwritesOutput) = (nil, nil, false)
    job.student = JobStudent("")
    var object = JSONObject()
    object["model"] = .string(model)
    object["methods"] = .array(steps.map { .string($0.description) })
    object["target"] = target.map { .string($0.description) }
    object["distils"] = .bool(distils)
    object["importance"] = measure.map { .string($0.rawValue) }
    object["form"] = .string("\(prunedForm)")
    object["iterations"] = .integer(iterations)
    object["keep"] = .array(keeping.map(JSONValue.string))
    object["max_drop"] = .double(maxDrop)
    object["hours"] = hours.map { .double($0) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    object["distillation"] = try JSONValue(parsing: [UInt8](encoder.encode(job)))
    return object
  }

  /// Reads the model and the data, checks everything and plans the steps.
  ///
  /// - Parameters:
  ///   - listener: Hears what is read and how far the work has come.
  ///   - isDryRun: Whether the job is planned alone, and its folder may hold anything.
  /// - Throws: `CompressionError` with all faults, and for a target that cannot be reached; what reading throws.
  public func prepare(
    _ listener: any WorkListener = SilentListener(), isDryRun: Bool = false
  ) throws -> PreparedCompression {
    let faults = faults
    guard faults.isEmpty else { throw CompressionError.faults(faults) }
    return try PreparedCompression(self, listener, isDryRun: isDryRun)
  }
}
