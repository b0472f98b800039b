rule draw_pictures:
    input:
        store=predicted_store_of,
        predictions="results/{experiment}/evaluation/stage{stage}/predictions.npz",
    output:
        landmarks="results/{experiment}/pictures/stage{stage}/landmarks.png",
        galleries="results/{experiment}/pictures/stage{stage}/galleries.png",
        clusters=directory("results/{experiment}/pictures/stage{stage}/clusters"),
    log:
        "results/{experiment}/logs/draw_pictures_stage{stage}.log",
    benchmark:
        "results/{experiment}/benchmarks/draw_pictures_stage{stage}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        **experiment_settings("draw-pictures"),
        folder=subpath(output.landmarks, parent=True),
    message:
        "Drawing the landmarks of stage {wildcards.stage}: {wildcards.experiment}"
    shell:
        "landmarks draw-pictures --settings {params.settings:q} --store {input.store:q} --predictions {input.predictions:q} --output {params.folder:q} 2>&1 | tee -i {log:q}"


rule draw_keypoints:
    input:
        store=store_of,
        keypoints=keypoints_of,
    output:
        picture="results/{experiment}/pictures/bootstrap.png",
    log:
        "results/{experiment}/logs/draw_keypoints.log",
    benchmark:
        "results/{experiment}/benchmarks/draw_keypoints.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        **experiment_settings("draw-pictures"),
    message:
        "Drawing the bootstrap keypoints: {wildcards.experiment}"
    shell:
        "landmarks draw-keypoints --settings {params.settings:q} --store {input.store:q} --keypoints {input.keypoints:q} --output {output.picture:q} 2>&1 | tee -i {log:q}"


rule plot_training:
    input:
        stage1="results/{experiment}/stage1/weights.safetensors",
        stage2="results/{experiment}/stage2/weights.safetensors",
    output:
        stage1_losses="results/{experiment}/pictures/stage1_losses.svg",
        stage1_rounds="results/{experiment}/pictures/stage1_rounds.svg",
        stage2_losses="results/{experiment}/pictures/stage2_losses.svg",
    log:
        "results/{experiment}/logs/plot_training.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_training.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        stage1=subpath(input.stage1, parent=True),
        stage2=subpath(input.stage2, parent=True),
        folder=subpath(output.stage1_losses, parent=True),
    message:
        "Plotting the training of {wildcards.experiment}"
    shell:
        "landmarks plot-training --stage1 {params.stage1:q} --stage2 {params.stage2:q} --output {params.folder:q} 2>&1 | tee -i {log:q}"
