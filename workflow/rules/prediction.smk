rule predict:
    input:
        store=store_of,
        weights="results/{experiment}/stage{stage}/weights.safetensors",
    output:
        predictions="results/{experiment}/evaluation/stage{stage}/predictions.npz",
    log:
        "results/{experiment}/logs/predict_stage{stage}.log",
    benchmark:
        "results/{experiment}/benchmarks/predict_stage{stage}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 8
    resources:
        gpu=gpus_of,
        mem_mb=3000,
        runtime=240,
    params:
        settings=experiment_settings("predict-stage{stage}"),
    message:
        "Predicting the landmarks of stage {wildcards.stage}: {wildcards.experiment}"
    shell:
        "landmarks predict --stage {wildcards.stage} --settings {params.settings:q} --store {input.store:q} --weights {input.weights:q} --output {output.predictions:q} 2>&1 | tee -i {log:q}"
