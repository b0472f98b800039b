# Logs and the picture of each round lie beside the weights and aren't declared, so that they can be read while it trains:
# Snakemake shows declared outputs only when a job has ended, and deletes them when it fails.
rule train_stage1:
    input:
        store=store_of,
        keypoints=keypoints_of,
        records=trained_again(1),
    output:
        weights="results/{experiment}/stage1/weights.safetensors",
    log:
        "results/{experiment}/logs/train_stage1.log",
    benchmark:
        "results/{experiment}/benchmarks/train_stage1.tsv"
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
        **experiment_settings("train-stage1"),
        command=training_command_of,
    message:
        "Stage 1 of {wildcards.experiment}: self-training"
    shell:
        "landmarks-on-gpus {resources.gpu} {params.command} train-stage1 --settings {params.settings:q} --store {input.store:q} --keypoints {input.keypoints:q} --output {output.weights:q} 2>&1 | tee -i {log:q}"
