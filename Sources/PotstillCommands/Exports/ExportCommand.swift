import ArgumentParser
import CommandOptions
import Exports
import Foundation
import Tasks
import Terminal

extension ExportPrecision: ExpressibleByArgument {}

extension ExportFormat: EnumerableFlag {
  /// The help of a format's flag.
  public static func help(for format: ExportFormat) -> ArgumentHelp? {
    switch format {
    case .onnx: "Write ONNX, for ONNX Runtime, optimum and transformers.js."
    case .transformers:
      "Write what transformers loads of a model that was made smaller: thin matrices merged, layers padded, floats for integers."
    }
  }
}

/// Command `potstill export`.
package struct ExportCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a model for other programs: as ONNX, or for transformers.",
    usage: "potstill export <model> (--onnx|--transformers) -o <folder> [<options>]",
    discussion: """
      With --onnx the folder gets onnx/model.onnx with config.json and the tokenizer's files, as optimum and transformers.js read it. \
      Inputs are input_ids, attention_mask and, where the model tells the texts of a pair apart, token_type_ids \
      [batch, sequence]; outputs are logits, start_logits and end_logits, or last_hidden_state and sentence_embedding.

        potstill export student/ --onnx --output student-onnx/
        potstill export student/ --onnx --precision int8 --output student-onnx-int8/

      With --transformers it gets config.json, model.safetensors and the tokenizer's files of a model that computes the same, \
      for what transformers does not load as it is: low rank, cut heads, integers.

        potstill export smaller/1-low_rank/ --transformers --output for-python/

      With --overwrite-output-dir the output may be the model's own folder, which then has both.
      """)

  @Argument(help: "A Hugging Face directory.", completion: .directory)
  package var model: String

  @Flag
  package var format: ExportFormat?

  @Option(
    help: ArgumentHelp(
      "Numbers that the weights are held in: fp32, or int8 for onnx/model_quantized.onnx, a quarter as large (default: the folder's).",
      valueName: "precision"))
  package var precision: ExportPrecision?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The folder for the files. Made when it does not exist.", valueName: "folder"),
    completion: .directory)
  package var output: String

  @Flag(help: "Write into a folder that holds files already; those of other names stay.")
  package var overwriteOutputDir = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package func validate() throws {
    if format == nil {
      let formats = ExportFormat.allCases.map { "--\($0.rawValue)" }.joined(separator: ", ")
      throw ValidationError("Say in which format: \(formats).")
    }
  }

  package mutating func run(_ console: Console) throws {
    guard let format else { preconditionFailure("What was not said is refused by validate().") }
    try general.apply(to: console, computes: false)
    let folder = try OutputFolder(output, overwrite: overwriteOutputDir)
    let export = try ModelExport(
      model, as: format, precision: precision, allowsNonFinite: console.allowsNonFinite, listener: console)
    for name in try export.write(to: folder) {
      console.result(folder.url.appending(path: name).relativePath)
    }
  }
}
