rule configuration:
    output:
        config="results/{experiment}/config.yaml",
    log:
        "results/{experiment}/logs/configuration.log",
    benchmark:
        "results/{experiment}/benchmarks/configuration.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        **experiment_settings("report"),
    message:
        "Writing down the whole configuration of {wildcards.experiment}"
    shell:
        "landmarks show-config --settings {params.settings:q} --output {output.config:q} 2>&1 | tee -i {log:q}"


rule report:
    input:
        config="results/{experiment}/config.yaml",
        stores=stores_of,
        metrics=expand(
            "results/{{experiment}}/evaluation/stage{stage}/metrics.json", stage=(1, 2)
        ),
        predictions=expand(
            "results/{{experiment}}/evaluation/stage{stage}/predictions.npz",
            stage=(1, 2),
        ),
        headline=headline_metrics_of,
        weights="results/{experiment}/stage2/weights.safetensors",
        trained=trained_weights_of,
        bootstrap=bootstrap_picture_of,
        verdict=verdict_of,
        provenance="results/{experiment}/provenance.json",
    output:
        report="results/{experiment}/report.html",
    log:
        "results/{experiment}/logs/report.log",
    benchmark:
        "results/{experiment}/benchmarks/report.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        stores=lambda wildcards, input: repeated("--store", input.stores),
        evaluations=lambda wildcards, input: repeated(
            "--evaluation", folders_of(input.metrics)
        ),
        headlines=lambda wildcards, input: repeated(
            "--headline", folders_of(input.headline)
        ),
        training=lambda wildcards, input: repeated(
            "--training", folders_of(input.trained)
        ),
        bootstrap=lambda wildcards, input: repeated(
            "--bootstrap-picture", input.bootstrap
        ),
        benchmarks=lambda wildcards: repeated("--benchmark", benchmarks_of(wildcards)),
        verdict=lambda wildcards, input: repeated("--verdict", input.verdict),
        licences=lambda wildcards: repeated("--licence", licences_of(wildcards)),
    message:
        "Writing the report of {wildcards.experiment}"
    shell:
        "landmarks report --configuration {input.config:q} {params.stores} {params.evaluations} {params.headlines} --weights {input.weights:q} {params.training} {params.bootstrap} {params.benchmarks} {params.verdict} --provenance {input.provenance:q} {params.licences} --output {output.report:q} 2>&1 | tee -i {log:q}"
