rule plot_curves:
    input:
        metrics="results/{experiment}/evaluation/stage{stage}/metrics.json",
        curve="results/{experiment}/evaluation/stage{stage}/{direction}_curve.csv",
    output:
        png="results/{experiment}/evaluation/stage{stage}/{direction}_curve.png",
        svg="results/{experiment}/evaluation/stage{stage}/{direction}_curve.svg",
    log:
        "results/{experiment}/logs/plot_{direction}_curve_stage{stage}.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_{direction}_curve_stage{stage}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        folder=subpath(input.metrics, parent=True),
    message:
        "Plotting the {wildcards.direction} curve of stage {wildcards.stage}: {wildcards.experiment}"
    shell:
        "landmarks plot-curves --direction {wildcards.direction} --evaluation 'stage {wildcards.stage}'={params.folder:q} --output {output.png:q} --output {output.svg:q} 2>&1 | tee -i {log:q}"
