public import ModelFormats

/// What an evaluation found: the loss and named metrics, without the `eval_` prefix.
public struct EvaluationResult: Sendable {
  /// The mean loss over the examples that have a label; nil when there are none.
  public let loss: Double?
  /// Named metrics, such as `accuracy`, in the order they are shown.
  public let metrics: [(name: String, value: Double)]
  /// The number of examples.
  public let examples: Int
  /// The time it took, in seconds.
  public let runtime: Double

  /// A result; `runtime` is in seconds.
  public init(loss: Double?, metrics: [(name: String, value: Double)], examples: Int, runtime: Double) {
    self.loss = loss
    self.metrics = metrics
    self.examples = examples
    self.runtime = runtime
  }

  /// The value under a name with `eval_` prefix, `eval_loss` included.
  public func value(_ prefixedName: String) -> Double? {
    if prefixedName == "eval_loss" { return loss }
    return metrics.first { "eval_" + $0.name == prefixedName }?.value
  }

  /// Every name that `value` knows.
  public var names: [String] { (loss == nil ? [] : ["eval_loss"]) + metrics.map { "eval_" + $0.name } }

  /// The result as `eval_results.json` holds it: loss, metrics, `eval_runtime`, rate and `eval_samples`.
  public var json: JSONObject {
    var object = JSONObject()
    if let loss { object["eval_loss"] = .double(loss) }
    for metric in metrics { object["eval_" + metric.name] = .double(metric.value) }
    object["eval_runtime"] = .double(runtime)
    object["eval_samples"] = .integer(examples)
    object["eval_samples_per_second"] = .double(runtime > 0 ? Double(examples) / runtime : 0)
    return object
  }
}
