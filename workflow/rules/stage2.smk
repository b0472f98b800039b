# As in stage 1, the log lies beside the weights and isn't declared.
rule train_stage2:
    input:
        store=store_of,
        weights="results/{experiment}/stage1/weights.safetensors",
        pseudo_groundtruth="results/{experiment}/pseudo_groundtruth.npz",
        records=trained_again(2),
    output:
        weights="results/{experiment}/stage2/weights.safetensors",
    log:
        "results/{experiment}/logs/train_stage2.log",
    benchmark:
        "results/{experiment}/benchmarks/train_stage2.tsv"
    wildcard_constraints:
        experiment=alternatives(TRAINED),
    conda:
        "../../envs/environment.yaml"
    threads: threads_of
    resources:
        gpu=training_gpus_of,
        nodes=1,
        mem_mb=growing(memory_mb_of(3500)),
        runtime=2880,
    params:
        **experiment_settings("train-stage2"),
        command=training_command_of,
    message:
        "Stage 2 of {wildcards.experiment}: landmark detector"
    shell:
        "landmarks-on-gpus {resources.gpu} {params.command} train-stage2 --settings {params.settings:q} --store {input.store:q} --weights {input.weights:q} --pseudo-groundtruth {input.pseudo_groundtruth:q} --output {output.weights:q} 2>&1 | tee -i {log:q}"
