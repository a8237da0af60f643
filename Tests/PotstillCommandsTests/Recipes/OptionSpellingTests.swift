import CommandOptions
import ModelFormats
import PotstillCommands
import Testing

@Suite struct OptionSpellingTests {
  @Test func underscoresAndAliasesBecomeOurNames() {
    let (arguments, ignored) = OptionSpelling.translate([
      "train", "--model_name_or_path", "my_model", "--learning_rate=5e-5", "--output_dir=a_b=c_d",
      "--do_train", "--device", "cuda", "--fp16",
      "--epochs", "3", "--", "--kept_as_it_is",
    ])
    #expect(
      arguments == [
        "train", "--model", "my_model", "--learning-rate=5e-5", "--output=a_b=c_d", "--num-train-epochs", "3",
        "--", "--kept_as_it_is",
      ])
    #expect(ignored.count == 3 && ignored[0].hasPrefix("--do_train ") && ignored[1].contains("processor"))
  }

  @Test func aMisspeltNameFindsItsNeighbour() {
    #expect(suggestion(for: "learning_rat", among: ["seed", "learning_rate"]) == "learning_rate")
    #expect(suggestion(for: "qqq", among: ["seed", "learning_rate"]) == nil)
  }

  /// The fields of `TrainingArguments` of transformers 5, and the arguments of its run_glue, run_ner, run_qa and
  /// run_classification.
  private static let argumentsOfTransformers = """
    output_dir per_device_train_batch_size num_train_epochs max_steps learning_rate lr_scheduler_type lr_scheduler_kwargs
    warmup_steps warmup_ratio optim optim_args weight_decay adam_beta1 adam_beta2 adam_epsilon optim_target_modules
    gradient_accumulation_steps average_tokens_across_devices max_grad_norm label_smoothing_factor bf16 fp16 bf16_full_eval
    fp16_full_eval tf32 activation_checkpointing activation_checkpointing_kwargs gradient_checkpointing
    gradient_checkpointing_kwargs torch_compile torch_compile_backend torch_compile_mode use_liger_kernel liger_kernel_config
    use_cache neftune_noise_alpha torch_empty_cache_steps auto_find_batch_size logging_dir logging_strategy logging_steps
    logging_first_step log_on_each_node logging_nan_inf_filter include_num_input_tokens_seen log_level log_level_replica
    disable_tqdm report_to run_name project trackio_space_id trackio_bucket_id trackio_static_space_id eval_strategy
    eval_steps eval_delay per_device_eval_batch_size prediction_loss_only eval_on_start eval_do_concat_batches
    eval_use_gather_object eval_accumulation_steps include_for_metrics batch_eval_metrics save_only_model save_strategy
    save_steps save_on_each_node save_total_limit save_safetensors enable_jit_checkpoint push_to_hub hub_token
    hub_private_repo hub_model_id hub_strategy hub_always_push hub_revision load_best_model_at_end metric_for_best_model
    greater_is_better ignore_data_skip restore_callback_states_from_checkpoint full_determinism seed data_seed use_cpu
    accelerator_config parallelism_config dataloader_drop_last dataloader_num_workers dataloader_pin_memory
    dataloader_persistent_workers dataloader_prefetch_factor dataloader_multiprocessing_context dataloader_in_order
    remove_unused_columns label_names train_sampling_strategy length_column_name ddp_find_unused_parameters
    ddp_bucket_cap_mb ddp_broadcast_buffers ddp_static_graph ddp_backend ddp_timeout fsdp fsdp_config deepspeed debug
    skip_memory_metrics do_train do_eval do_predict resume_from_checkpoint local_rank overwrite_output_dir
    model_name_or_path cache_dir use_fast_tokenizer model_revision token trust_remote_code
    ignore_mismatched_sizes task_name dataset_name dataset_config_name max_seq_length overwrite_cache pad_to_max_length
    max_train_samples max_eval_samples max_predict_samples train_file validation_file test_file text_column_name
    label_column_name preprocessing_num_workers label_all_tokens return_entity_level_metrics doc_stride
    null_score_diff_threshold n_best_size max_answer_length shuffle_train_dataset shuffle_seed text_column_names metric_name
    """

  @Test func everyArgumentOfTransformersIsKnown() throws {
    let catalogue = OptionCatalogue(of: "train")
    for argument in Self.argumentsOfTransformers.split(whereSeparator: \.isWhitespace).map(String.init) {
      let name = OptionSpelling.canonical(argument)
      let ways = [
        catalogue.entry(named: name) != nil, OptionSpelling.ignored[name] != nil,
        OptionSpelling.refused[name] != nil,
      ]
      #expect(ways.count { $0 } == 1, "\(argument): \(ways)")
    }
    let run = potstill(["train", "--deepspeed", "a.json"])
    #expect(
      run.code == 64 && run.messages.contains("--deepspeed is not supported: training runs on one machine"))
    // A flag of transformers may have a truth value behind it.
    #expect(
      OptionSpelling.translate(["train", "--fp16", "True", "--bf16", "--seed", "1"]).arguments == [
        "train", "--seed", "1",
      ])
  }
}
