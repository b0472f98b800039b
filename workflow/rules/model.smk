# What others can use: weights with all that prediction on their images needs.
rule package_model:
    input:
        stores=packaged_stores_of,
        weights="results/{experiment}/stage2/weights.safetensors",
    output:
        model="results/{experiment}/model/model.safetensors",
    log:
        "results/{experiment}/logs/package_model.log",
    benchmark:
        "results/{experiment}/benchmarks/package_model.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        **settings_params("package-model", packaging_settings),
        stores=lambda wildcards, input: repeated("--store", input.stores),
        licences=lambda wildcards: repeated("--licence", licences_of(wildcards)),
    message:
        "Packing the model of {wildcards.experiment}"
    shell:
        "landmarks package-model --settings {params.settings:q} {params.stores} --weights {input.weights:q} {params.licences} --output {output.model:q} 2>&1 | tee -i {log:q}"


rule model_card:
    input:
        model="results/{experiment}/model/model.safetensors",
        metrics="results/{experiment}/evaluation/stage2/metrics.json",
        stores=stores_of,
        config="results/{experiment}/config.yaml",
    output:
        card="results/{experiment}/model/model_card.md",
    log:
        "results/{experiment}/logs/model_card.log",
    benchmark:
        "results/{experiment}/benchmarks/model_card.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        stores=lambda wildcards, input: repeated("--store", input.stores),
    message:
        "Describing the model of {wildcards.experiment}"
    shell:
        "landmarks model-card --model {input.model:q} --metrics {input.metrics:q} {params.stores} --configuration {input.config:q} --output {output.card:q} 2>&1 | tee -i {log:q}"


rule export_onnx:
    input:
        model="results/{experiment}/model/model.safetensors",
    output:
        onnx="results/{experiment}/model/model.onnx",
    log:
        "results/{experiment}/logs/export_onnx.log",
    benchmark:
        "results/{experiment}/benchmarks/export_onnx.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(3000),
        runtime=growing(20),
    message:
        "Exporting the model of {wildcards.experiment} as ONNX"
    shell:
        "landmarks export-onnx --model {input.model:q} --output {output.onnx:q} 2>&1 | tee -i {log:q}"


rule check_onnx:
    input:
        onnx="results/{experiment}/model/model.onnx",
        model="results/{experiment}/model/model.safetensors",
        store=predicted_store_of,
    output:
        check="results/{experiment}/model/onnx_check.json",
    log:
        "results/{experiment}/logs/check_onnx.log",
    benchmark:
        "results/{experiment}/benchmarks/check_onnx.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 2
    resources:
        gpu=0,
        mem_mb=growing(memory_mb_of(3000)),
        runtime=growing(240),
    message:
        "Comparing ONNX and PyTorch on the test images of {wildcards.experiment}"
    shell:
        "landmarks check-onnx --onnx {input.onnx:q} --model {input.model:q} --store {input.store:q} --output {output.check:q} 2>&1 | tee -i {log:q}"
