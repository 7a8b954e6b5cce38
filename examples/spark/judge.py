"""Judges NDJSON snapshots with Deodar on Apache Spark: spark-submit judge.py SNAPSHOTS OUTPUT [OPTION of deodar check ...]

OUTPUT/rows has a row for each account and each finding, as Parquet. OUTPUT/reports has a report of each partition for `deodar render`.
"""
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile

import pandas as pd
from pyspark import StorageLevel, TaskContext
from pyspark.sql import SparkSession

OF_FINDING = ["check", "severity", "verdict", "message", "fingerprint"]
COLUMNS = ["snapshot", "account", "exit_code", "resource", *OF_FINDING, "line"]
SCHEMA = ", ".join(f"{name} {'int' if name == 'exit_code' else 'string'}" for name in COLUMNS)


def rows(line):
    """Returns the row of a line of a report, which is an account or the run, and the rows of its findings."""
    report = json.loads(line)
    account = [report.get("snapshot"), report.get("account")]
    exit_code = report["exit_code"] if "snapshot" in report else report["run"]["exit_code"]
    findings = report["findings"] if "snapshot" in report else []
    resource = "{type}::{id}".format_map
    of_findings = [[*account, None, resource(it["resource"]), *map(it.get, OF_FINDING), None] for it in findings]
    return pd.DataFrame([[*account, exit_code, None, *[None] * len(OF_FINDING), line], *of_findings], columns=COLUMNS)


def judge(batches, deodar, options):
    """Judges the snapshots of a partition. A task that is run again gives the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        name, given, judged = f"partition-{TaskContext.get().partitionId()}.ndjson", 0, 0
        with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as file:
            for batch in batches:
                given += len(batch)
                file.writelines(f"{line}\n" for line in batch["value"])
        if given == 0:
            return
        command = [deodar, "check", name, "--format", "ndjson", *options]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, encoding="utf-8") as run:
            for line in run.stdout:
                frame = rows(line.rstrip("\n"))
                judged += frame["snapshot"].notna()[0]
                yield frame
        if judged != given or run.returncode not in (0, 1, 3, 4, 5):
            raise RuntimeError(f"deodar judged {judged} of {given} snapshots and ended with {run.returncode}")


if __name__ == "__main__":
    snapshots, output, *options = sys.argv[1:]
    spark = SparkSession.builder.appName("deodar").getOrCreate()
    deodar = shutil.which(os.environ.get("DEODAR", "deodar"))
    judged = spark.read.text(snapshots).where("trim(value) <> ''").mapInPandas(functools.partial(judge, deodar=deodar, options=options), SCHEMA)
    judged = judged.persist(StorageLevel.DISK_ONLY)
    judged.drop("line").where("snapshot is not null").write.parquet(f"{output}/rows", compression="gzip")
    judged.select("line").where("line is not null").write.text(f"{output}/reports")
