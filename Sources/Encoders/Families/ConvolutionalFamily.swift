import Foundation
import ModelFormats
import Tensors
import Tokenization

extension EncoderArchitecture {
  /// Convolutions of several widths side by side over word embeddings (Kim 2014).
  public static let textcnn = EncoderArchitecture(ConvolutionalFamily())
}

/// Convolutions over word embeddings.
struct ConvolutionalFamily: WordFamily {
  var modelType: String { "textcnn" }
  var className: String { "TextCNN" }

  /// The filters of layer l and the j-th width are `layer.l.convolutions.j`.
  var layers: String { "layer" }

  /// Configuration of one layer with Kim's 100 filters a width.
  var defaults: EncoderConfig {
    var config = defaults(hiddenSize: 300)
    (config.embeddingSize, config.classifierDropout) = (768, 0.5)
    return config
  }

  var fields: [ConfigField] { fields([.sizes("kernel_sizes", \.kernelSizes, widths: 1...255)]) }

  func check(_ config: EncoderConfig, _ faults: inout ConfigFaults) {
    faults.require(
      config.hiddenSize % config.kernelSizes.count == 0, "hidden_size",
      "found \(config.hiddenSize), expected a multiple of the \(config.kernelSizes.count) widths, which have as many "
        + "filters each", given: "kernel_sizes")
  }

  func encoder(_ scope: ParameterScope, config: EncoderConfig) -> any Encoder {
    ConvolutionalEncoder(scope, family: self, config: config)
  }

  func outputSize(_ config: EncoderConfig) -> Int { config.hiddenSize }

  func parameterEstimate(_ config: EncoderConfig) -> Double {
    let hidden = Double(config.hiddenSize)
    return parameterEstimate(config, layer: hidden * hidden * Double(config.kernelSizes.max() ?? 1))
  }

  /// The head of sequences has no first layer.
  var forms: [TaskHead: any HeadForm] {
    forms(
      sequence: SequenceHeadForm(inner: nil, outer: "classifier", activation: .relu, reads: .maximum))
  }

  /// Students that read tokens have three layers, so that each sees its neighbours.
  var wordStudent: WordStudent? {
    WordStudent(
      name: "CNN", hiddenSize: { [defaults] _ in defaults.hiddenSize },
      layerCount: { $0.readsTokens ? 3 : 1 })
  }
}

/// Layers of convolutions over word embeddings, each with windows of several widths side by side, keeping the length: with
/// one layer and the maximum over time the sentence classifier of Kim (2014), with more of them a tagger.
///
/// Its parameters are `embeddings.word_embeddings.weight` and `layer.<l>.convolutions.<j>.weight` [filters, inputs, width]
/// and `.bias`, those of `nn.Conv1d` with `padding="same"`; a layer's output is ReLU of all widths' filters in order.
struct ConvolutionalEncoder: Encoder {
  let wordTable: Parameter
  private let layers: [[(weight: Parameter, bias: Parameter)]]
  private let family: ConvolutionalFamily
  private let dropoutRate: Float

  /// An encoder with its parameters from `scope`; fresh ones start as PyTorch starts them.
  init(_ scope: ParameterScope, family: ConvolutionalFamily, config: EncoderConfig) {
    self.family = family
    wordTable = makeWordTable(scope, config: config)
    let (sizes, list) = (config.kernelSizes, scope / family.layers)
    let filters = config.hiddenSize / sizes.count
    layers = (0..<config.layerCount).map { layer in
      let inputs = layer == 0 ? config.inputSize : config.hiddenSize
      return sizes.enumerated().map { index, width in
        let module = (list / layer).inLayer(layer, of: config.layerCount) / "convolutions" / index
        let initial = InitialValue.uniform(bound: 1 / sqrt(Float(inputs * width)))
        return (
          module.parameter("weight", [filters, inputs, width], initial: initial),
          module.parameter("bias", [filters], initial: initial)
        )
      }
    }
    dropoutRate = config.hiddenDropout
  }

  func callAsFunction(_ batch: TokenBatch, firstRowsOnly: Bool, in context: Context) -> EncoderOutput {
    let steps = layers.map { widths in
      { (x: Tensor) in
        let parts = widths.map {
          x.convolution(
            weight: $0.weight.tensor(in: context), bias: $0.bias.tensor(in: context), starts: batch.starts)
        }
        return Tensor.concatenate(parts, axis: 1).applying(.relu)
      }
    }
    return stack(batch, layers: steps, of: family, dropoutRate: dropoutRate, in: context)
  }

  func callAsFunction(_ tokens: GraphTokens, in graph: ONNXGraph) -> GraphValue {
    var x = graph.rows(of: wordTable, at: tokens.ids)
    for widths in layers {
      // Behind the last token come zeros, as before the first.
      let columns = graph.transpose(graph.multiply(x, tokens.presence(in: graph)), [0, 2, 1])
      let parts = widths.map { weight, bias in
        let others = weight.shape.lastDimension - 1
        return graph.convolution(
          columns, weight: graph.value(weight), bias: graph.value(bias),
          padding: (others / 2, others - others / 2))
      }
      x = graph.transpose(graph.relu(graph.concatenate(parts, axis: 1)), [0, 2, 1])
    }
    return x
  }
}
