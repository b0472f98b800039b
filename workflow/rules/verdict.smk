# A missed figure is a result, not a failed job: `landmarks verdict` by itself says it by its exit status.
rule verdict:
    input:
        figures=str(ROOT / "paper.yaml"),
        metrics=judged_metrics_of,
    output:
        markdown="results/{judged}/verdict/verdict.md",
        json="results/{judged}/verdict/verdict.json",
        junit="results/{judged}/verdict/verdict.xml",
        page="results/{judged}/verdict/verdict.html",
    log:
        "results/{judged}/logs/verdict.log",
    benchmark:
        "results/{judged}/benchmarks/verdict.tsv"
    wildcard_constraints:
        judged=alternatives([*EXPERIMENTS, *FAMILIES]),
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        measured=lambda wildcards: repeated(
            "--metrics",
            [
                f"{published_experiment(EXPERIMENTS[name])}=results/{name}"
                for name in members(wildcards.judged)
            ],
        ),
        folder=subpath(output.markdown, parent=True),
    message:
        "Comparing {wildcards.judged} with the published figures"
    shell:
        "landmarks verdict --tolerate-misses --figures {input.figures:q} {params.measured} --output {params.folder:q} 2>&1 | tee -i {log:q}"


rule provenance:
    input:
        config="results/{experiment}/config.yaml",
        metrics=lambda wildcards: [
            f"results/{wildcards.experiment}/evaluation/stage{stage}/metrics.json"
            for stage in (1, 2)
        ],
        headline=headline_metrics_of,
        stores=stores_of,
    output:
        provenance="results/{experiment}/provenance.json",
    log:
        "results/{experiment}/logs/provenance.log",
    benchmark:
        "results/{experiment}/benchmarks/provenance.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        benchmarks=lambda wildcards: repeated("--benchmark", benchmarks_of(wildcards)),
        inputs=lambda wildcards: repeated("--input", provenance_inputs_of(wildcards)),
        lock=lambda wildcards: repeated("--lock", lock_of(wildcards)),
    message:
        "Writing down what made {wildcards.experiment}"
    shell:
        "landmarks provenance --configuration {input.config:q} {params.benchmarks} {params.inputs} {params.lock} --output {output.provenance:q} 2>&1 | tee -i {log:q}"
