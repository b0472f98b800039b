rule export_pseudo_groundtruth:
    input:
        store=store_of,
        weights="results/{experiment}/stage1/weights.safetensors",
    output:
        pseudo_groundtruth="results/{experiment}/pseudo_groundtruth.npz",
    log:
        "results/{experiment}/logs/export_pseudo_groundtruth.log",
    benchmark:
        "results/{experiment}/benchmarks/export_pseudo_groundtruth.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: threads_of
    resources:
        gpu=training_gpus_of,
        nodes=1,
        mem_mb=growing(memory_mb_of(3500)),
        runtime=growing(240),
    params:
        **experiment_settings("export-pseudo-groundtruth"),
        command=training_command_of,
    message:
        "Exporting the pseudo-ground-truth of {wildcards.experiment}"
    shell:
        "landmarks-on-gpus {resources.gpu} {params.command} export-pseudo-groundtruth --settings {params.settings:q} --store {input.store:q} --weights {input.weights:q} --output {output.pseudo_groundtruth:q} 2>&1 | tee -i {log:q}"
