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
        settings=experiment_settings("report"),
    message:
        "Writing down the whole configuration of {wildcards.experiment}"
    shell:
        "landmarks show-config --settings {params.settings:q} --output {output.config:q} 2>&1 | tee -i {log:q}"


rule summary:
    input:
        config="results/{experiment}/config.yaml",
        stores=stores_of,
        metrics=expand(
            "results/{{experiment}}/evaluation/stage{stage}/metrics.json", stage=(1, 2)
        ),
        headline=headline_metrics_of,
    output:
        metrics=report(
            "results/{experiment}/summary/metrics.html",
            caption="../report/metrics.rst",
            category="Run",
            labels={"page": "metrics"},
        ),
        timings=report(
            "results/{experiment}/summary/timings.html",
            caption="../report/timings.rst",
            category="Run",
            labels={"page": "timings"},
        ),
        versions=report(
            "results/{experiment}/summary/versions.html",
            caption="../report/versions.rst",
            category="Run",
            labels={"page": "versions"},
        ),
        dataset=report(
            "results/{experiment}/summary/dataset.html",
            caption="../report/dataset.rst",
            category="Run",
            labels={"page": "data set"},
        ),
        configuration=report(
            "results/{experiment}/summary/configuration.html",
            caption="../report/configuration.rst",
            category="Run",
            labels={"page": "configuration"},
        ),
    log:
        "results/{experiment}/logs/summary.log",
    benchmark:
        "results/{experiment}/benchmarks/summary.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(1500),
        runtime=growing(5),
    params:
        benchmarks=lambda wildcards: repeated("--benchmark", benchmarks_of(wildcards)),
        stores=lambda wildcards, input: repeated("--store", input.stores),
        headline=lambda wildcards, input: repeated("--headline", input.headline),
        folder=subpath(output.metrics, parent=True),
    message:
        "Summing up {wildcards.experiment}"
    shell:
        "landmarks summarize --metrics {input.metrics[0]:q} --metrics {input.metrics[1]:q} {params.headline} {params.stores} --configuration {input.config:q} {params.benchmarks} --output {params.folder:q} 2>&1 | tee -i {log:q}"


# The report is Snakemake's own. It is made from inside the run by a second Snakemake that reads what the first has
# recorded, with this experiment alone: hence its own configuration file, its targets, and no lock.
rule report:
    input:
        config="results/{experiment}/config.yaml",
        summary="results/{experiment}/summary/metrics.html",
        curves=expand(
            "results/{{experiment}}/evaluation/stage{stage}/{direction}_curve.{format}",
            stage=(1, 2),
            direction=("forward", "backward"),
            format=("png", "svg"),
        ),
        landmarks=expand(
            "results/{{experiment}}/pictures/stage{stage}/landmarks.png", stage=(1, 2)
        ),
        training=training_pictures_of,
        verdict=verdict_page_of,
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
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        snakefile=workflow.main_snakefile,
    message:
        "Writing the report of {wildcards.experiment}"
    shell:
        "snakemake --snakefile {params.snakefile:q} --configfile {input.config:q} --report {output.report:q} --nolock {input.summary:q} {input.curves:q} {input.landmarks:q} {input.training:q} {input.verdict:q} > {log:q} 2>&1"
