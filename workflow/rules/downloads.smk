# A dry run has no start; it says the same of the experiments of the configuration, and refuses nothing.
if any(re.fullmatch(r"--dry-?run|-[a-zA-Z]*n[a-zA-Z]*", one) for one in sys.argv):
    asked = [name for name in TARGETS if name in sys.argv] or [MAIN_FAMILY]
    try:
        downloads_report(
            dict.fromkeys(
                name
                for family in asked
                for experiment in FAMILIES[family]
                for name in needed_downloads(EXPERIMENTS[experiment])
            ),
            strict=False,
        )
    except UserError as error:
        sys.exit(f"error: {error}")


# What is accepted, and where to fetch, reach the command by its environment: another licence or mirror makes nothing run
# again, as another param would.
# What is declared is the digest of a download, not the download: Snakemake deletes declared outputs when a job fails, and
# takes a file that was put there by hand for finished, unchecked.
rule download:
    output:
        digest=f"{DOWNLOADS}/{{download}}.sha256",
    log:
        "resources/logs/download/{download}.log",
    benchmark:
        "resources/benchmarks/download/{download}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=growing(500),
        runtime=growing(720),
    message:
        "Downloading {wildcards.download}"
    shell:
        "landmarks download {wildcards.download:q} --output {output.digest:q} 2>&1 | tee -i {log:q}"
