rule convert_weights:
    input:
        digest=lambda wildcards: digest_of(
            checkpoint_download(EXPERIMENTS[wildcards.experiment], wildcards.stage)
        ),
    output:
        weights="results/{experiment}/stage{stage}/weights.safetensors",
    log:
        "results/{experiment}/logs/convert_weights_stage{stage}.log",
    benchmark:
        "results/{experiment}/benchmarks/convert_weights_stage{stage}.tsv"
    wildcard_constraints:
        experiment=alternatives(PRETRAINED),
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        **experiment_settings("convert-weights"),
        checkpoint=lambda wildcards, input: input.digest.removesuffix(".sha256"),
        provenance=lambda wildcards, input: repeated(
            "--provenance", published_facts(Path(input.digest).stem)
        ),
    message:
        "Converting the authors' weights of stage {wildcards.stage}: {wildcards.experiment}"
    shell:
        "landmarks convert-weights --stage {wildcards.stage} --settings {params.settings:q} --checkpoint {params.checkpoint:q} {params.provenance} --output {output.weights:q} 2>&1 | tee -i {log:q}"


rule predict:
    input:
        store=predicted_store_of,
        weights="results/{experiment}/stage{stage}/weights.safetensors",
    output:
        predictions="results/{experiment}/evaluation/stage{stage}/predictions.npz",
    log:
        "results/{experiment}/logs/predict_stage{stage}.log",
    benchmark:
        "results/{experiment}/benchmarks/predict_stage{stage}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: threads_of
    resources:
        gpu=gpus_of,
        mem_mb=growing(memory_mb_of(3000)),
        runtime=growing(240),
    params:
        **experiment_settings("predict-stage{stage}"),
    message:
        "Predicting the landmarks of stage {wildcards.stage}: {wildcards.experiment}"
    shell:
        "landmarks-on-gpus {resources.gpu} landmarks predict-dataset --stage {wildcards.stage} --settings {params.settings:q} --store {input.store:q} --weights {input.weights:q} --output {output.predictions:q} 2>&1 | tee -i {log:q}"
