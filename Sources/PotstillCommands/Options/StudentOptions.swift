import ArgumentParser
import Encoders
import ModelFormats

/// Sizes of a student other than its shape's, by their names in `config.json`.
package struct StudentOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Features of a token: fewer than the teacher's keep those with the largest weights (default: the teacher's; for BiGRU "
        + "and BiLSTM in each direction; 300 for CNN).", valueName: "n"))
  package var hiddenSize: Int?

  @Option(
    help: ArgumentHelp(
      "Features of the word table (default: the teacher's); a narrower one holds what most of the teacher's lies in, and "
        + "makes a BERT an ELECTRA with a projection.", valueName: "n"))
  package var embeddingSize: Int?

  @Option(
    help: ArgumentHelp(
      "Attention heads of a student of the teacher's layers, as wide as the teacher's (default: as many as hidden-size "
        + "holds).", valueName: "n"))
  package var numAttentionHeads: Int?

  @Option(
    help: ArgumentHelp(
      "Feed-forward neurons of a student of the teacher's layers (default: the teacher's).", valueName: "n"))
  package var intermediateSize: Int?

  @Option(
    help: ArgumentHelp(
      "Layers of a BiGRU, BiLSTM (default: 1) or CNN (default: 1, for tokens 3).", valueName: "n"))
  package var numHiddenLayers: Int?

  package init() {}

  /// What was asked for.
  var size: StudentSize {
    StudentSize(
      hiddenSize: hiddenSize, embeddingSize: embeddingSize, layerCount: numHiddenLayers,
      attentionHeads: numAttentionHeads, intermediateSize: intermediateSize)
  }
}
