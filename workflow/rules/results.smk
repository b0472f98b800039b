# What a run leaves: every file that results/README.md promises, so that a deleted one is made again by the same command.

# What a run leaves of each experiment, and what only of those that are trained or have a headline.
RESULTS = (
    "report.html",
    "config.yaml",
    "provenance.json",
    "model/model.safetensors",
    "model/model_card.md",
    *expand("stage{stage}/weights.safetensors", stage=(1, 2)),
    *expand(
        "evaluation/stage{stage}/{file}",
        stage=(1, 2),
        file=("predictions.npz", "metrics.json"),
    ),
    *expand(
        "evaluation/stage{stage}/{direction}_curve.{kind}",
        stage=(1, 2),
        direction=("forward", "backward"),
        kind=("csv", "png", "svg"),
    ),
    *expand(
        "pictures/stage{stage}/{file}",
        stage=(1, 2),
        file=("landmarks.png", "galleries.png", "clusters"),
    ),
)
TRAINED_RESULTS = (
    "pseudo_groundtruth.npz",
    "pictures/bootstrap.png",
    *expand(
        "pictures/{plot}.svg", plot=("stage1_losses", "stage1_rounds", "stage2_losses")
    ),
)
HEADLINE_RESULTS = expand(
    "evaluation/stage{stage}/headline/{file}",
    stage=(1, 2),
    file=("metrics.json", "forward_curve.csv", "backward_curve.csv"),
)


def results_of(experiments):
    """Name every file that results/README.md promises of each experiment, so that a deleted one is made again."""
    return [
        f"results/{name}/{file}"
        for name in experiments
        for file in (
            *RESULTS,
            *(TRAINED_RESULTS if name in TRAINED else ()),
            *(HEADLINE_RESULTS if EXPERIMENTS[name].headline else ()),
        )
    ] + verdicts_of(experiments)


def exports_of(experiments):
    """Name what other programs can use of each experiment: ONNX, and how far it is from PyTorch."""
    return [
        f"results/{name}/model/{file}"
        for name in experiments
        for file in ("model.onnx", "onnx_check.json")
    ]


def verdicts_of(names):
    """Name the verdicts of these experiments or families, where there are published figures."""
    return [
        f"results/{name}/verdict/verdict.{kind}"
        for name in names
        if members(name)
        for kind in ("md", "html", "json", "xml")
    ]


def trained_again(stage):
    """Give the function of the wildcards that lets a stage train again where something beside its weights is gone.

    As an input it is none. What lies there can't be declared: Snakemake would delete it when a training fails or goes on.
    """

    def input_of(wildcards):
        weights = f"results/{wildcards.experiment}/stage{stage}/weights.safetensors"
        gone = lost_record(Path(weights), stage)
        if gone and weights not in workflow.dag.forcefiles:
            print(f"{gone} is gone; stage {stage} is trained again", file=sys.stderr)
            workflow.dag.forcefiles.add(weights)
        return []

    return input_of
