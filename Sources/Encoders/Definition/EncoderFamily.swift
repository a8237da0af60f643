import ModelFormats
import Tensors
import Tokenization

/// A family of encoders: everything in which models of one `model_type` differ from those of another.
///
/// A family reads and writes its fields of `config.json`, names its parameters, builds its encoder, and says its widths, its
/// heads, its tokenizer, and what students can be made of it. A new one is a file beside this one and a line in
/// `EncoderArchitecture.allCases`.
protocol EncoderFamily: Sendable {
  /// The `model_type` in `config.json`.
  var modelType: String { get }
  /// Whether `transformers` has the family.
  var isOfTransformers: Bool { get }
  /// Prefix of the names of its classes in `transformers`.
  var className: String { get }

  // MARK: Names in a checkpoint

  /// The module that holds the encoder, such as `bert`.
  var module: String { get }
  /// The list of layers in that module, such as `encoder.layer`.
  var layers: String { get }
  /// The word table in that module.
  var wordTable: String { get }
  /// The modules of the encoder that a checkpoint of the encoder alone has at the root of its names.
  var bareModules: Set<String> { get }

  // MARK: config.json

  /// The configuration of a file that says nothing but its `model_type`.
  var defaults: EncoderConfig { get }
  /// The fields that a configuration of this family has, in the order in which they are written.
  var fields: [ConfigField] { get }
  /// Notes what is wrong with a configuration of this family beyond single fields.
  func check(_ config: EncoderConfig, _ faults: inout ConfigFaults)

  // MARK: Tokens

  /// Whether a fresh model that reads this tokenizer belongs to the family.
  func expects(_ tokenizer: any Tokenizer) -> Bool
  /// Whether the embeddings tell the texts of a pair apart.
  var readsSegments: Bool { get }
  /// Rows of the segment table of a fresh model.
  var freshSegmentCount: Int { get }
  /// Rows of the position table before that of a sequence's first token.
  func positionOffset(_ config: EncoderConfig) -> Int

  // MARK: The encoder

  /// Builds the encoder, whose parameters it asks `scope` for.
  func encoder(_ scope: ParameterScope, config: EncoderConfig) -> any Encoder
  /// Features of what goes into the first layer.
  func inputSize(_ config: EncoderConfig) -> Int
  /// Features of each layer's output.
  func outputSize(_ config: EncoderConfig) -> Int
  /// The number of the encoder's parameters; a Double, since a wrong configuration can call for any number.
  func parameterEstimate(_ config: EncoderConfig) -> Double
  /// The values inside the encoder that can be asked for by name, in the order in which they are computed.
  func intermediates(_ config: EncoderConfig) -> [Intermediate]
  /// The one of them that goes into the first layer.
  func entrance(_ config: EncoderConfig) -> String
  /// Names of what the self-attention of a layer can be asked for; nil where there is none.
  func attention(inLayer index: Int) -> AttentionNames?
  /// Names of what the two halves of a Transformer layer compute inside; nil where there are none.
  func innerNames(inLayer index: Int) -> LayerInnerNames?

  // MARK: Heads

  /// The forms of the heads that differ between families; none of a head that this one lacks.
  var forms: [TaskHead: any HeadForm] { get }

  // MARK: Students

  /// Whether students can be made of some of its layers.
  var copiesLayers: Bool { get }
  /// Widths that a narrower student cuts in a parameter of a layer, by the name within the layer.
  func cut(inLayer name: String) -> Cut
  /// Widths that a narrower student cuts in a parameter of the encoder outside its layers, by the name within the encoder.
  func cut(outsideLayers name: String, _ config: EncoderConfig) -> Cut
  /// The family that a model of this one becomes when its embeddings are factorised; nil where they cannot be.
  var factorised: EncoderArchitecture? { get }
  /// The defaults of a fresh Transformer that reads what a teacher of this family reads.
  func freshConfig(like teacher: EncoderConfig) -> EncoderConfig
  /// Students of this family that start from a teacher's word table; nil where there are none.
  var wordStudent: WordStudent? { get }
}

/// Students of a family over their teacher's word embeddings.
struct WordStudent: Sendable {
  /// Name in `--student`.
  let name: String
  /// Features of a token in a student of a teacher.
  let hiddenSize: @Sendable (_ teacher: EncoderConfig) -> Int
  /// Layers of a student that answers as a head does.
  let layerCount: @Sendable (_ head: TaskHead) -> Int
}

/// The widths along which a narrower student keeps less of a parameter; nil keeps all.
package struct Cut: Equatable, Sendable {
  /// A width of a Transformer that can be cut.
  package enum Width: Sendable {
    /// The features of hidden states, the same in every layer.
    case features
    /// Whole attention heads of a layer.
    case heads
    /// The neurons between the feed-forward products of a layer.
    case neurons
  }

  /// Width along the rows of a matrix, or the elements of a vector.
  package var rows: Width?
  /// Width along the columns of a matrix.
  package var columns: Width?
}

/// Names of the values and maps of a layer's self-attention among those that can be asked for.
public struct AttentionNames: Sendable {
  /// Queries, [tokens, hidden].
  public let queries: String
  /// Keys, [tokens, hidden].
  public let keys: String
  /// Values, [tokens, hidden].
  public let values: String
  /// Maps of the scaled scores before the softmax.
  public let scores: String
  /// Maps of the probabilities before dropout.
  public let probabilities: String
}

/// Defaults that most families have in common.
extension EncoderFamily {
  var isOfTransformers: Bool { true }
  var wordTable: String { "embeddings.word_embeddings.weight" }
  var bareModules: Set<String> {
    ["embeddings", "embeddings_project", "encoder", "transformer", "pooler"]
  }
  func check(_ config: EncoderConfig, _ faults: inout ConfigFaults) {}
  var readsSegments: Bool { false }
  var freshSegmentCount: Int { 0 }
  func positionOffset(_ config: EncoderConfig) -> Int { 0 }
  func entrance(_ config: EncoderConfig) -> String { "embeddings" }
  func attention(inLayer index: Int) -> AttentionNames? { nil }
  func innerNames(inLayer index: Int) -> LayerInnerNames? { nil }
  func cut(inLayer name: String) -> Cut { Cut() }
  func cut(outsideLayers name: String, _ config: EncoderConfig) -> Cut { Cut() }
  var factorised: EncoderArchitecture? { nil }
  var wordStudent: WordStudent? { nil }
}

extension EncoderFamily {
  /// The form of a head; nil where the family has none.
  func form(of head: TaskHead) -> (any HeadForm)? { head.commonForm ?? forms[head] }

  /// Prefix of the names of the parameters in layers, such as `bert.encoder.layer.`.
  var layerPrefix: String { module + "." + layers + "." }

  /// A layer's parameter as its number and its name in the layer; nil for a parameter of no layer.
  func layerPart(of name: String) -> (layer: Int, name: String)? {
    guard name.hasPrefix(layerPrefix) else { return nil }
    let rest = name.dropFirst(layerPrefix.count)
    guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]) else { return nil }
    return (layer, String(rest[rest.index(after: dot)...]))
  }

  /// The name of a layer among the values that can be asked for.
  func layerName(_ index: Int) -> String { "\(layers).\(index)" }
}

/// Encoder that turns packed tokens into a hidden state for each, below the head of a `TaskModel`.
protocol Encoder {
  /// The word table, [vocabulary, features].
  var wordTable: WordTable { get }

  /// Runs the encoder, whose parts keep what the context's taps want.
  ///
  /// - Parameters:
  ///   - batch: The packed sequences; ids below the vocabulary size, lengths up to `EncoderConfig.maxPositions`.
  ///   - firstRowsOnly: Whether the caller reads only the first row of each sequence of the last layer, if the encoder can
  ///     save work by that.
  ///   - context: The pass this is part of.
  func callAsFunction(_ batch: TokenBatch, firstRowsOnly: Bool, in context: Context) -> EncoderOutput

  /// Writes the encoder down as nodes of a graph that other programs run.
  ///
  /// - Returns: The last hidden state, [batch, sequence, features]; rows of padding may hold anything.
  func callAsFunction(_ tokens: GraphTokens, in graph: ONNXGraph) -> GraphValue

  /// This encoder with blocks of another's layers in the place of some of its own; nil where they cannot take it.
  ///
  /// - Parameters:
  ///   - blocks: For each of this encoder's layers the other's layers that run instead; nil keeps its own.
  ///   - other: The encoder of the other layers.
  func keeping(_ blocks: [Range<Int>?], of other: any Encoder) -> (any Encoder)?

  /// The embedding tables that narrower ones can stand for; nil where none can.
  var tables: EmbeddingTables? { get }
}

/// Embedding tables of an encoder, and what it makes of their rows.
struct EmbeddingTables {
  /// The word table, [vocabulary, features].
  let word: Parameter
  /// The position table, [positions, features].
  let position: Parameter
  /// The segment table, [segments, features]; nil where there is none.
  let segment: Parameter?
  /// The input of the first layer for packed tokens, [tokens, hidden].
  let embed: (TokenBatch) -> Tensor
}

extension Encoder {
  func keeping(_ blocks: [Range<Int>?], of other: any Encoder) -> (any Encoder)? { nil }
  var tables: EmbeddingTables? { nil }
}

/// The module that a parameter belongs to: its name without the last component.
func parentModule(of name: String) -> String {
  name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
}
