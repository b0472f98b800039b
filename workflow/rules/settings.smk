# Settings of steps as params of rules, so that a dry run names the keys that changed.

# Every key of a step looks into the same text.
parsed = cache(json.loads)


def settings_params(step, settings_of):
    """Give the params of a rule: the settings of its step as JSON, and each key by itself.

    Snakemake compares the keys alone, and names those that differ; what is made by a function of `output` it leaves out.

    Args:
        step: its name; {stage} in it stands for both.
        settings_of: function of the wildcards that writes the settings.
    """
    names = {step.format(stage=stage) for stage in (1, 2)}
    keys = {
        key
        for one in EXPERIMENTS.values()
        for name in names
        for key in step_keys(one, name)
    }
    written = {}

    def text_of(wildcards):
        values = tuple(wildcards.items())
        if values not in written:
            written[values] = settings_of(wildcards)
        return written[values]

    def setting(key):
        return lambda wildcards: key_text(text_of(wildcards), key)

    return {
        "settings": lambda wildcards, output: text_of(wildcards),
        **{key: setting(key) for key in sorted(keys)},
    }


def key_text(settings, key):
    """Write a key of some settings with its value; one that a step doesn't read as what Snakemake doesn't compare."""
    tree = parsed(settings)
    for part in key.split("."):
        if part not in tree:
            return ...
        tree = tree[part]
    return f"{key}={json.dumps(tree)}"


def experiment_settings(step):
    """Give the params with the settings of a step of the wildcards' experiment; {stage} in its name is filled in."""
    return settings_params(
        step,
        lambda wildcards: step_settings(
            EXPERIMENTS[wildcards.experiment], step.format(**wildcards)
        ),
    )
