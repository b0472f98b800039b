# Run by Snakemake inside the new environment, in the root of the project.
set -eu
pip install --requirement envs/requirements.txt
pip install --no-deps --editable .
