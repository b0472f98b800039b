rule bootstrap:
    input:
        store=lambda wildcards: f"resources/stores/{shared_name(KEYPOINTS[wildcards.keypoints], 'prepare')}",
        weights=bootstrap_weights,
    output:
        keypoints="resources/keypoints/{keypoints}.npz",
    log:
        "resources/logs/bootstrap/{keypoints}.log",
    benchmark:
        "resources/benchmarks/bootstrap/{keypoints}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 4
    resources:
        gpu=bootstrap_gpus,
        mem_mb=growing(
            lambda wildcards: memory_mb(KEYPOINTS[wildcards.keypoints], 3500)
        ),
        runtime=growing(240),
    params:
        **settings_params(
            "bootstrap",
            lambda wildcards: step_settings(
                KEYPOINTS[wildcards.keypoints], "bootstrap"
            ),
        ),
        weights=lambda wildcards, input: (
            repeated("--weights", [f"{DOWNLOADS}/{SUPERPOINT}"])
            if input.get("weights")
            else ""
        ),
        packaged_weights=packaged_weights,
    message:
        "Finding bootstrap keypoints: {wildcards.keypoints}"
    shell:
        "landmarks-on-gpus {resources.gpu} landmarks bootstrap --settings {params.settings:q} --store {input.store:q} {params.weights} {params.packaged_weights} --threads {threads} --output {output.keypoints:q} 2>&1 | tee -i {log:q}"
