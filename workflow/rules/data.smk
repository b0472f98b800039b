rule synthesize:
    output:
        dataset=directory("resources/datasets/{dataset}"),
    log:
        "resources/logs/synthesize/{dataset}.log",
    benchmark:
        "resources/benchmarks/synthesize/{dataset}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 2
    resources:
        gpu=0,
        mem_mb=1500,
        runtime=30,
    params:
        settings=lambda wildcards: step_settings(
            DATASETS[wildcards.dataset], "synthesize"
        ),
    message:
        "Drawing faces: {wildcards.dataset}"
    shell:
        "landmarks synthesize --settings {params.settings:q} --output {output.dataset:q} 2>&1 | tee -i {log:q}"


rule prepare:
    input:
        dataset=images_of,
    output:
        store=directory("resources/stores/{store}"),
    log:
        "resources/logs/prepare/{store}.log",
    benchmark:
        "resources/benchmarks/prepare/{store}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 2
    resources:
        gpu=0,
        mem_mb=1500,
        runtime=120,
    params:
        settings=lambda wildcards: step_settings(STORES[wildcards.store], "prepare"),
        fingerprint=fingerprint_of,
    message:
        "Preparing the data set {wildcards.store}"
    shell:
        "landmarks prepare --settings {params.settings:q} --dataset {input.dataset:q} --output {output.store:q} 2>&1 | tee -i {log:q}"
