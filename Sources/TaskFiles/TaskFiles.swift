/// Task files of `tasks/`, compiled in, so that a program finds them wherever it lies.
public enum TaskFiles {
  /// The bytes of each file, by its name without `.yaml`.
  public static let all: [String: [UInt8]] = [
    "afqmc": PackageResources.afqmc_yaml,
    "chnsenticorp": PackageResources.chnsenticorp_yaml,
    "cluener": PackageResources.cluener_yaml,
    "cmrc2018": PackageResources.cmrc2018_yaml,
    "cola": PackageResources.cola_yaml,
    "conll2003": PackageResources.conll2003_yaml,
    "csl": PackageResources.csl_yaml,
    "drcd": PackageResources.drcd_yaml,
    "mnli": PackageResources.mnli_yaml,
    "mrpc": PackageResources.mrpc_yaml,
    "msra-ner": PackageResources.msra_ner_yaml,
    "qnli": PackageResources.qnli_yaml,
    "qqp": PackageResources.qqp_yaml,
    "rte": PackageResources.rte_yaml,
    "sample": PackageResources.sample_yaml,
    "sample-ner": PackageResources.sample_ner_yaml,
    "sample-ner-teacher": PackageResources.sample_ner_teacher_yaml,
    "sample-qa": PackageResources.sample_qa_yaml,
    "sample-qa-teacher": PackageResources.sample_qa_teacher_yaml,
    "sample-teacher": PackageResources.sample_teacher_yaml,
    "squad": PackageResources.squad_yaml,
    "squad_v2": PackageResources.squad_v2_yaml,
    "sst2": PackageResources.sst2_yaml,
    "stsb": PackageResources.stsb_yaml,
    "stsb-similarity": PackageResources.stsb_similarity_yaml,
    "tnews": PackageResources.tnews_yaml,
    "weibo-ner": PackageResources.weibo_ner_yaml,
    "wnli": PackageResources.wnli_yaml,
  ]
}
