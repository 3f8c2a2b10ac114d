"""Compares GET and PUT of lakewright, obstore and boto3 on one MinIO: time, CPU and memory.

    tests/bench/bench.py [--rounds N] [--only CASE]     (make bench builds the release first)

Each figure is the median of the rounds. A ratio is lakewright's figure over the peer's of the
same round, then the median: below 1.00 lakewright is faster, lighter or smaller.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "python"))

import lakewright  # noqa: E402
from conftest import Server, minio  # noqa: E402  (starts MinIO)

PEERS = ["lakewright", "obstore", "boto3"]
# operation, bytes, requests at once, requests
CASES = [
    ("get", 16 << 10, 32, 4000),
    ("put", 16 << 10, 32, 3000),
    ("get", 256 << 20, 1, 4),
    ("put", 256 << 20, 1, 3),
]


def measure(
    server: Server, bucket: str, peer: str, case: tuple[str, int, int, int]
) -> dict[str, float]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "BENCH_ENDPOINT": server.endpoint,
        "BENCH_KEY": server.access_key_id,
        "BENCH_SECRET": server.secret_access_key,
        "BENCH_BUCKET": bucket,
    }
    command = [sys.executable, str(HERE / "work.py"), peer, *map(str, case)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", help="cases whose name holds this, such as 'put' or '16 KiB'")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    with tempfile.TemporaryDirectory() as folder, minio(Path(folder)) as server:
        lake = lakewright.connect(
            server.endpoint,
            access_key_id=server.access_key_id,
            secret_access_key=server.secret_access_key,
        )
        bucket = lake.create_bucket("bench")
        for case in CASES:
            if arguments.only and arguments.only not in name_of(case):
                continue
            size = case[1]
            bucket.put("bench/object", os.urandom(size))
            runs: dict[str, list[dict[str, float]]] = {peer: [] for peer in PEERS}
            for _ in range(rounds):
                for peer in random.sample(PEERS, len(PEERS)):
                    runs[peer].append(measure(server, bucket.name, peer, case))
            report(case, runs)


def name_of(case: tuple[str, int, int, int]) -> str:
    operation, size, at_once, count = case
    human = f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"
    return f"{operation} {human}, {at_once} at once, {count} requests"


def report(case: tuple[str, int, int, int], runs: dict[str, list[dict[str, float]]]) -> None:
    gib = case[1] * case[3] / 2**30
    print(f"\n{name_of(case)}")
    print(
        f"{'':12}{'wall s':>10}{'CPU s/GiB':>12}{'peak MiB':>10}{'wall':>10}{'CPU':>8}{'peak':>8}"
    )
    for peer, figures in runs.items():
        line = f"{peer:12}"
        line += f"{statistics.median(f['wall'] for f in figures):10.3f}"
        line += f"{statistics.median(f['cpu'] for f in figures) / gib:12.2f}"
        line += f"{statistics.median(f['peak_kib'] for f in figures) / 1024:10.0f}"
        if peer != "lakewright":
            for name, width in (("wall", 10), ("cpu", 8), ("peak_kib", 8)):
                pairs = zip(runs["lakewright"], figures, strict=True)
                ratio = statistics.median(ours[name] / theirs[name] for ours, theirs in pairs)
                line += f"{ratio:{width - 1}.2f}x"
        print(line, flush=True)


if __name__ == "__main__":
    main()
