# What rules ask about their wildcards: inputs, and options of commands.


def repeated(option, paths):
    """Give an option once for each path."""
    return " ".join(f"{option} {shlex.quote(str(path))}" for path in paths)


def store_of(wildcards):
    """Name the prepared data set of an experiment."""
    return (
        f"resources/stores/{shared_name(EXPERIMENTS[wildcards.experiment], 'prepare')}"
    )


def keypoints_of(wildcards):
    """Name the bootstrap keypoints of an experiment."""
    return f"resources/keypoints/{shared_name(EXPERIMENTS[wildcards.experiment], 'bootstrap')}.npz"


def is_folder(wildcards):
    """Say whether an experiment's images are a folder of the user's, whose true points may change alone."""
    return Path(store_of(wildcards)).name in FOLDER_STORES


def evaluation_store_of(wildcards):
    """Name the prepared data set that an experiment is evaluated on; others than drawn ones differ from those that train."""
    name, store = store_of(wildcards), store_of(wildcards) + "-evaluation"
    known = {**EVALUATION_STORES, **ANNOTATED_STORES}
    return store if Path(store).name in known else name


def predicted_store_of(wildcards):
    """Name the prepared data set whose images an experiment predicts, without points where these may change alone."""
    return (
        store_of(wildcards) if is_folder(wildcards) else evaluation_store_of(wildcards)
    )


def packaging_settings(wildcards):
    """Write how the images are cut that an experiment is evaluated on, and how its maps are read."""
    store = Path(evaluation_store_of(wildcards)).name
    dataset = experiment_of_store(store).dataset
    experiment = EXPERIMENTS[wildcards.experiment]
    return step_settings(
        experiment.model_copy(update={"dataset": dataset}), "package-model"
    )


def licences_of(wildcards):
    """Name the licences that what an experiment downloads stands under, each once."""
    table = read_sources(FIRST.downloads.sources)
    names = needed_downloads(EXPERIMENTS[wildcards.experiment])
    keys = (find_source(name, table).licence_key for name in names)
    return [key for key in dict.fromkeys(keys) if key]


def stores_of(wildcards):
    """Name the prepared data sets of an experiment, the one that trains first."""
    training, evaluation = store_of(wildcards), evaluation_store_of(wildcards)
    same_images = training == evaluation or is_folder(wildcards)
    pretrained = EXPERIMENTS[wildcards.experiment].pretrained
    return [evaluation] if pretrained or same_images else [training, evaluation]


def packaged_stores_of(wildcards):
    """Name the prepared data sets that a model was made from, without points where these may change alone."""
    return [store_of(wildcards)] if is_folder(wildcards) else stores_of(wildcards)


def experiment_of_store(name):
    """Find an experiment that uses a prepared data set."""
    return {**STORES, **EVALUATION_STORES, **ANNOTATED_STORES}[name]


def images_of(wildcards):
    """Name the folder of images that a prepared data set is cut from."""
    experiment = experiment_of_store(wildcards.store)
    if experiment.dataset.kind == "folder":
        # Its time changes with true points; what else changes in it is in the fingerprint.
        return ancient(experiment.dataset.path)
    step = "synthesize" if experiment.dataset.kind == "synthetic" else "build-dataset"
    return f"resources/datasets/{shared_name(experiment, step)}"


def tables_of(wildcards):
    """Name the tables of a data set of the paper that say which of its images a prepared data set holds."""
    part = "evaluation" if wildcards.store in EVALUATION_STORES else "training"
    kind = experiment_of_store(wildcards.store).dataset.kind
    return [f"{images_of(wildcards)}/{part}"] if kind in PUBLISHED_KINDS else []


def fingerprint_of(wildcards):
    """Give what changes with the files of a folder of images but true points, so that new images are prepared anew."""
    dataset = experiment_of_store(wildcards.store).dataset
    if dataset.kind != "folder":
        return None
    points = [f"{name}.csv" for name in landmark_tables(Path(dataset.path))]
    return folder_fingerprint(dataset.path, without=points)


def point_tables_of(wildcards):
    """Name the tables of true points beside a user's images."""
    folder = Path(FOLDER_STORES[wildcards.store].dataset.path)
    return [f"{folder}/{name}.csv" for name in landmark_tables(folder)]


def digest_of(download):
    """Name the digest that says that a download is there and right."""
    return f"{DOWNLOADS}/{download}.sha256"


def dataset_downloads_of(wildcards):
    """Name the digests of what a data set of the paper is made from."""
    return [
        digest_of(name) for name in dataset_downloads(BUILT_DATASETS[wildcards.dataset])
    ]


def bootstrap_weights(wildcards):
    """Name the digest of the detector's weights, where they are a download."""
    detector = KEYPOINTS[wildcards.keypoints].bootstrap.detector
    return digest_of(SUPERPOINT) if detector == "superpoint" else []


def packaged_weights(wildcards):
    """Name the package's own weights by their digest, for the detector that they belong to."""
    detector = KEYPOINTS[wildcards.keypoints].bootstrap.detector
    digest = packaged_digest(package_folder()) if DETECTORS[detector].licence else None
    return f"--packaged-sha256 {digest}" if digest else ""


def bootstrap_gpus(wildcards):
    """Count the GPUs that a job of bootstrap keypoints takes; a detector that is no network takes none."""
    experiment = KEYPOINTS[wildcards.keypoints]
    is_network = DETECTORS[experiment.bootstrap.detector].is_network
    return gpus(experiment) if is_network else 0


def downloads_report(names, strict=True):
    """Say what is there, what will be fetched and what the user must do; with `strict` stop where that comes first."""
    settings = FIRST.downloads
    table = read_sources(settings.sources)
    rows = readiness(
        names,
        DOWNLOADS,
        settings.lock,
        FIRST.accept_licences,
        table,
        offline=OFFLINE,
    )
    if any(row.state is not State.PRESENT for row in rows):
        print("", readiness_report(rows), "", sep="\n", file=sys.stderr)
    if strict:
        require_ready(rows)


def published_facts(download):
    """Say where a download is published, as KEY=VALUE."""
    source = find_source(download, read_sources(FIRST.downloads.sources))
    return [f"address={source.addresses[0]}", "licence=MIT (the authors' repository)"]


def headline_metrics_of(wildcards):
    """Name the metrics of the headline protocol, where there is one."""
    if EXPERIMENTS[wildcards.experiment].headline is None:
        return []
    folder = f"results/{wildcards.experiment}/evaluation"
    return [f"{folder}/stage{stage}/headline/metrics.json" for stage in (1, 2)]


def judged(experiments):
    """Keep the experiments that there are published figures for."""
    return [name for name in experiments if published_experiment(EXPERIMENTS[name])]


def members(name):
    """Name the experiments that the verdict of an experiment or a family speaks of."""
    return judged([name] if name in EXPERIMENTS else FAMILIES[name])


def judged_metrics_of(wildcards):
    """Name the metrics that a verdict compares."""
    return [
        f"results/{name}/evaluation/stage{stage}/{protocol}metrics.json"
        for name in members(wildcards.judged)
        for stage in (1, 2)
        for protocol in ("", *(("headline/",) if EXPERIMENTS[name].headline else ()))
    ]


def trained(experiments):
    """Keep the experiments whose weights are trained here."""
    return [name for name in experiments if name in TRAINED]


def provenance_inputs_of(wildcards):
    """Name small files that stand for what a run was made from: digests of downloads, facts of the prepared data."""
    experiment = EXPERIMENTS[wildcards.experiment]
    return [
        *(digest_of(name) for name in needed_downloads(experiment)),
        *(f"{store}/facts.json" for store in stores_of(wildcards)),
    ]


def lock_of(wildcards):
    """Name the lock file, where an experiment depends on downloads."""
    return (
        [FIRST.downloads.lock]
        if needed_downloads(EXPERIMENTS[wildcards.experiment])
        else []
    )


def folders_of(paths):
    """Name the folders of files."""
    return [Path(path).parent for path in paths]


def trained_weights_of(wildcards):
    """Name the weights of both stages that were trained here; beside them lie logs and pictures of the rounds."""
    return [
        f"results/{name}/stage{stage}/weights.safetensors"
        for name in trained([wildcards.experiment])
        for stage in (1, 2)
    ]


def bootstrap_picture_of(wildcards):
    """Name the picture of the first keypoints; pretrained weights have none."""
    return [
        f"results/{name}/pictures/bootstrap.png"
        for name in trained([wildcards.experiment])
    ]


def verdict_of(wildcards):
    """Name the verdict for programs, where there are published figures."""
    return [
        f"results/{name}/verdict/verdict.json"
        for name in judged([wildcards.experiment])
    ]


def benchmarks_of(wildcards):
    """Name the benchmarks that the table of timings shows, in its order; steps that were not run have none."""
    experiment = EXPERIMENTS[wildcards.experiment]
    shared = [
        f"{step.replace('-', '_')}/{shared_name(experiment, step)}"
        for step in ("synthesize", "build-dataset", "bootstrap")
    ]
    stores = packaged_stores_of(wildcards)
    shared[2:2] = [f"prepare/{Path(store).name}" for store in stores]
    if is_folder(wildcards):
        shared.insert(-1, f"annotate/{Path(stores[0]).name}")
    own = (
        "convert_weights_stage1",
        "convert_weights_stage2",
        "train_stage1",
        "export_pseudo_groundtruth",
        "train_stage2",
        "predict_stage1",
        "predict_stage2",
        "evaluate_stage1",
        "evaluate_stage2",
        "evaluate_headline_stage1",
        "evaluate_headline_stage2",
    )
    folder = f"results/{wildcards.experiment}/benchmarks"
    return [
        *(f"resources/benchmarks/{name}.tsv" for name in shared),
        *(f"{folder}/{name}.tsv" for name in own),
    ]


def memory_mb(experiment, small_mb):
    """Give the memory of a step in MB: the paper's data sets have 60,000 images and more, others some thousands."""
    return 16000 if experiment.dataset.kind in PUBLISHED_KINDS else small_mb


def memory_mb_of(small_mb):
    """Give the function of the wildcards that gives the memory of a step of their experiment."""
    return lambda wildcards: memory_mb(EXPERIMENTS[wildcards.experiment], small_mb)


def growing(first):
    """Give a resource of a job, an amount or a function of the wildcards, that grows with its first three attempts."""

    def grown(wildcards, attempt):
        amount = first(wildcards) if callable(first) else first
        return amount * min(attempt, 3)

    return grown


def gpus_of(wildcards):
    """Count the GPUs that a job of the wildcards' experiment takes."""
    return gpus(EXPERIMENTS[wildcards.experiment])


def threads_of(wildcards):
    """Count the CPU threads of a job of the wildcards' experiment; a GPU is fed by several."""
    experiment = EXPERIMENTS[wildcards.experiment]
    each = 8 if gpus(experiment) else experiment.cpu_threads
    return each * experiment.processes


def training_gpus_of(wildcards):
    """Count the GPUs that a training job of the wildcards' experiment takes."""
    return gpus_of(wildcards) * EXPERIMENTS[wildcards.experiment].processes


def training_command_of(wildcards):
    """Give the command that trains the wildcards' experiment, in one process or several."""
    return training_command(EXPERIMENTS[wildcards.experiment])
