"""Dry runs of Snakemake, each in a process that was forked off one which had imported it: a tenth of the time.

Run as a script it reads lines of JSON, {"arguments": [...], "folder": "..."}, and answers each by another, {"status",
"output"}.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile

# What a dry run has no use for, with the values that follow: where steps would run.
LEFT_OUT = {"--workflow-profile": 1, "--executor": 1, "--container-image": 1, "--use-singularity": 0, "--sdm": 1}
LEFT_OUT |= {"--default-storage-provider": 1, "--default-storage-prefix": 1, "--default-resources": 2}


class DryRuns:
    """Runs them one after another, each once."""

    def __init__(self, root, folder):
        self._root, self._folder, self._known = root, folder, {}
        stub = folder / "programs"
        stub.mkdir()
        # Snakemake's plugin for SLURM asks it for ten seconds where it is installed and doesn't run.
        (stub / "scontrol").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (stub / "scontrol").chmod(0o755)
        environment = {
            **os.environ,
            "PATH": f"{stub}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def result(self, words, working_folder):
        """Give the exit status and the output of `snakemake` with these words."""
        arguments = ("--snakefile", str(self._root / "Snakefile"), *dry(words))
        if arguments not in self._known:
            request = {"arguments": arguments, "folder": str(working_folder)}
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
            answer = json.loads(self._server.stdout.readline())
            self._known[arguments] = (answer["status"], answer["output"])
        return self._known[arguments]

    def close(self):
        self._server.stdin.close()
        self._server.wait()


def dry(words):
    """Turn the arguments of a shown command into those of a dry run."""
    kept, skipped = [], 0
    for word in words:
        if skipped and not word.startswith("--"):
            skipped -= 1
        elif word in LEFT_OUT:
            skipped = LEFT_OUT[word]
        else:
            skipped = 0
            kept.append(word)
    if "--snakefile" in kept:
        place = kept.index("--snakefile")
        del kept[place : place + 2]
    if "--cores" in kept:
        # How many there are changes nothing in what would run: fewer different runs.
        kept[kept.index("--cores") + 1] = "1"
    # What shows the workflow instead of running it can't be a dry run, too.
    shows = {"-n", "--dry-run", "--rulegraph", "--list-rules"} & set(kept)
    return tuple(kept if shows else [*kept, "-n"])


def _serve():
    import snakemake.cli

    # Imported by the Snakefile: once here instead of in each child.
    import landmark_discovery.config.experiments
    import landmark_discovery.downloads.readiness  # noqa: F401

    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as output:
            child = os.fork()
            if child == 0:
                os.chdir(request["folder"])
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                # Snakemake writes down how it was called.
                sys.argv = ["snakemake", *request["arguments"]]
                snakemake.cli.main(shlex.split(shlex.join(request["arguments"])))
                os._exit(0)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            output.seek(0)
            answer = {"status": status, "output": output.read().decode(errors="replace")}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
