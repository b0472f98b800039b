rule synthesize:
    output:
        dataset=directory("resources/datasets/{dataset}"),
    log:
        "resources/logs/synthesize/{dataset}.log",
    benchmark:
        "resources/benchmarks/synthesize/{dataset}.tsv"
    wildcard_constraints:
        dataset=alternatives(DRAWN_DATASETS),
    conda:
        "../../envs/environment.yaml"
    threads: 2
    resources:
        gpu=0,
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        **settings_params(
            "synthesize",
            lambda wildcards: step_settings(
                DRAWN_DATASETS[wildcards.dataset], "synthesize"
            ),
        ),
    message:
        "Drawing faces: {wildcards.dataset}"
    shell:
        "landmarks synthesize --settings {params.settings:q} --output {output.dataset:q} 2>&1 | tee -i {log:q}"


rule build_dataset:
    input:
        downloads=dataset_downloads_of,
    output:
        dataset=directory("resources/datasets/{dataset}"),
    log:
        "resources/logs/build_dataset/{dataset}.log",
    benchmark:
        "resources/benchmarks/build_dataset/{dataset}.tsv"
    wildcard_constraints:
        dataset=alternatives(BUILT_DATASETS),
    conda:
        "../../envs/environment.yaml"
    threads: 2
    resources:
        gpu=0,
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        **settings_params(
            "build-dataset",
            lambda wildcards: step_settings(
                BUILT_DATASETS[wildcards.dataset], "build-dataset"
            ),
        ),
        downloads=DOWNLOADS,
    message:
        "Unpacking the data set {wildcards.dataset}"
    shell:
        "landmarks build-dataset --settings {params.settings:q} --downloads {params.downloads:q} --output {output.dataset:q} 2>&1 | tee -i {log:q}"


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
        mem_mb=growing(1500),
        runtime=growing(120),
    params:
        **settings_params(
            "prepare",
            lambda wildcards: step_settings(
                experiment_of_store(wildcards.store), "prepare"
            ),
        ),
        fingerprint=fingerprint_of,
        tables=lambda wildcards: (
            "--without-points"
            if wildcards.store in FOLDER_STORES
            else repeated("--tables", tables_of(wildcards))
        ),
    message:
        "Preparing the data set {wildcards.store}"
    shell:
        "landmarks prepare --settings {params.settings:q} --dataset {input.dataset:q} {params.tables} --output {output.store:q} 2>&1 | tee -i {log:q}"


# Apart from the images, so that points which are added or corrected train nothing again.
rule annotate:
    input:
        store="resources/stores/{store}",
        points=point_tables_of,
    output:
        store=directory("resources/stores/{store}-evaluation"),
    log:
        "resources/logs/annotate/{store}.log",
    benchmark:
        "resources/benchmarks/annotate/{store}.tsv"
    wildcard_constraints:
        store=alternatives(FOLDER_STORES),
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(1500),
        runtime=growing(120),
    params:
        dataset=lambda wildcards: FOLDER_STORES[wildcards.store].dataset.path,
    message:
        "Reading the true points of the data set {wildcards.store}"
    shell:
        "landmarks annotate --store {input.store:q} --dataset {params.dataset:q} --output {output.store:q} 2>&1 | tee -i {log:q}"
