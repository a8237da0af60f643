import Foundation
import Potstill

/// A service that classifies texts: an actor, which Swift 6 lets share a model among many tasks.
public actor Service {
  private let classifier: Classifier
  /// The number of texts that were answered.
  public private(set) var answered = 0

  /// A service of the model in a Hugging Face directory.
  public init(model: URL) throws { classifier = try Classifier(directory: model) }

  /// The label of a text with the probability of each.
  public func classify(_ text: String) throws -> Classifier.Prediction {
    answered += 1
    return try classifier(text)
  }
}
