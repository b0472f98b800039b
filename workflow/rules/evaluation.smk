rule evaluate:
    input:
        store=evaluation_store_of,
        predictions="results/{experiment}/evaluation/stage{stage}/predictions.npz",
    output:
        metrics="results/{experiment}/evaluation/stage{stage}/metrics.json",
        forward="results/{experiment}/evaluation/stage{stage}/forward_curve.csv",
        backward="results/{experiment}/evaluation/stage{stage}/backward_curve.csv",
    log:
        "results/{experiment}/logs/evaluate_stage{stage}.log",
    benchmark:
        "results/{experiment}/benchmarks/evaluate_stage{stage}.tsv"
    conda:
        "../../envs/environment.yaml"
    # Sums of several threads are rounded otherwise than those of one.
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        **experiment_settings("evaluate"),
        folder=subpath(output.metrics, parent=True),
    message:
        "Evaluating stage {wildcards.stage}: {wildcards.experiment}"
    shell:
        "landmarks evaluate --settings {params.settings:q} --predictions {input.predictions:q} --store {input.store:q} --output {params.folder:q} 2>&1 | tee -i {log:q}"


rule evaluate_headline:
    input:
        store=evaluation_store_of,
        predictions="results/{experiment}/evaluation/stage{stage}/predictions.npz",
    output:
        metrics="results/{experiment}/evaluation/stage{stage}/headline/metrics.json",
        forward="results/{experiment}/evaluation/stage{stage}/headline/forward_curve.csv",
        backward="results/{experiment}/evaluation/stage{stage}/headline/backward_curve.csv",
    log:
        "results/{experiment}/logs/evaluate_headline_stage{stage}.log",
    benchmark:
        "results/{experiment}/benchmarks/evaluate_headline_stage{stage}.tsv"
    conda:
        "../../envs/environment.yaml"
    # Sums of several threads are rounded otherwise than those of one.
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        **experiment_settings("evaluate-headline"),
        folder=subpath(output.metrics, parent=True),
    message:
        "Evaluating stage {wildcards.stage} by the headline protocol: {wildcards.experiment}"
    shell:
        "landmarks evaluate --settings {params.settings:q} --predictions {input.predictions:q} --store {input.store:q} --output {params.folder:q} 2>&1 | tee -i {log:q}"
