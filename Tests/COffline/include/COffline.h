/// Sets HF_HUB_OFFLINE before the first test begins: no test reaches for the network. Tests of downloads say in their own
/// environment where their server is.
