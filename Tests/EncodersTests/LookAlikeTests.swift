import Encoders
import ModelFormats
import Testing

/// Models that carry a family's name and are not of it.
@Suite struct LookAlikeTests {
  private func fault(_ json: JSONValue) -> String? {
    do throws(ModelError) { _ = try EncoderConfig(json: json, file: "c.json") } catch {
      return error.description
    }
    return nil
  }

  @Test(
    arguments: [
      ("position_embedding_type", "alibi", "found \"alibi\", expected \"absolute\""),
      ("position_embedding_type", "rotary", "found \"rotary\", expected \"absolute\""),
      ("position_embedding_type", 1, "found 1, expected \"absolute\""),
      ("rope_theta", 10000, "found 10000, expected none: positions are rows of a table here"),
      ("rope_scaling", ["type": "ntk", "factor": 8], "found {"),
      ("rope_parameters", ["rope_theta": 1e4], "found {"),
      ("rotary_emb_base", 20000, "found 20000, expected none"),
      ("rotary_value", true, "found true, expected none"),
      ("alibi_starting_size", 512, "found 512, expected none"),
      ("feed_forward_type", "geglu", "found \"geglu\", expected \"original\": gated"),
      ("relative_attention", true, "found true, expected false"),
      ("attention_window", [256, 256], "found [256, 256], expected none"),
      ("prenorm", true, "found true, expected false"), ("use_task_id", true, "found true, expected false"),
      ("lora_adaptations", ["retrieval.query"], "found [\"retrieval.query\"], expected none"),
      ("is_decoder", true, "found true, expected false: decoders"),
      (
        "auto_map", ["AutoModel": "jinaai/jina-bert-implementation--modeling_bert.JinaBertModel"],
        "found AutoModel \"jinaai/"
      ),
      (
        "auto_map", ["AutoConfig": "configuration_xlm_roberta.XLMRobertaFlashConfig"],
        "found AutoConfig \"conf"
      ),
    ] as [(String, JSONValue, String)], ["bert", "roberta", "xlm-roberta", "distilbert"])
  func otherBodiesAreRefusedByTheirKeys(_ field: (String, JSONValue, String), _ type: String) throws {
    let (key, value, beginning) = field
    var object = JSONObject()
    (object["model_type"], object[key]) = (.string(type), value)
    let text = try #require(fault(.object(object)), "accepted \(key) \(value.compactText)")
    #expect(text.hasPrefix("c.json: \(key): \(beginning)"), "\(text)")
  }

  @Test func whatEveryFamilyDoesIsNoFault() throws {
    let harmless: JSONValue = [
      "position_embedding_type": "absolute", "rope_scaling": nil, "rope_parameters": [:],
      "rotary_value": false,
      "rotary_emb_fraction": 0.0, "feed_forward_type": "original", "relative_attention": false,
      "attention_window": nil, "prenorm": false, "use_task_id": false, "lora_adaptations": [],
      "is_decoder": false,
      "add_cross_attention": false, "auto_map": ["AutoTokenizer": ["tokenization.Own", nil]],
      "properties": ["rope_theta": 1],
    ]
    #expect(fault(harmless) == nil)
    // And it is kept as it was.
    let json = try EncoderConfig(json: harmless).json
    for (key, value) in try #require(harmless.objectValue) { #expect(json[key] == value, "\(key)") }
    #expect(fault(["auto_map": nil]) == nil && fault(["auto_map": ["AutoModel": nil]]) == nil)
  }

  @Test func allKeysOfOneModelAreTold() throws {
    // The configuration of jina-embeddings-v2, but for its sizes.
    let text = try #require(
      fault([
        "model_type": "bert", "architectures": ["JinaBertForMaskedLM"], "feed_forward_type": "geglu",
        "position_embedding_type": "alibi", "emb_pooler": "mean", "attn_implementation": nil,
        "auto_map": ["AutoConfig": "jinaai/jina-bert-implementation--configuration_bert.JinaBertConfig"],
      ]))
    #expect(
      text.split(separator: "\n").map { $0.split(separator: ":")[1] }
        == [" position_embedding_type", " feed_forward_type", " auto_map"])
  }
}
