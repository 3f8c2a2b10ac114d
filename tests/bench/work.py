"""One measurement in a process of its own, so that CPU time and memory are those of one client.

    work.py PEER OPERATION SIZE AT_ONCE COUNT    → one JSON object

Endpoint and keys come from ``BENCH_*``. The object ``bench/object`` of SIZE bytes is there.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

ENDPOINT = os.environ["BENCH_ENDPOINT"]
KEY, SECRET = os.environ["BENCH_KEY"], os.environ["BENCH_SECRET"]
BUCKET, OBJECT = os.environ["BENCH_BUCKET"], "bench/object"


def lakewright_(operation: str, data: bytes) -> Callable[[int], Awaitable[Any]]:
    import lakewright

    lake = lakewright.connect(ENDPOINT, access_key_id=KEY, secret_access_key=SECRET)
    bucket = lake.bucket(BUCKET)
    if operation == "get":
        return lambda _: bucket.get_async(OBJECT)
    return lambda n: bucket.put_async(f"bench/{n}", data)


def obstore(operation: str, data: bytes) -> Callable[[int], Awaitable[Any]]:
    import obstore
    from obstore.store import S3Store

    store = S3Store(
        BUCKET,
        endpoint=ENDPOINT,
        access_key_id=KEY,
        secret_access_key=SECRET,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    if operation == "get":

        async def get(_: int) -> Any:
            return await (await obstore.get_async(store, OBJECT)).bytes_async()

        return get
    return lambda n: obstore.put_async(store, f"bench/{n}", data)


def boto3(operation: str, data: bytes) -> Callable[[int], Any]:
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=Config(max_pool_connections=64),
    )
    if operation == "get":
        return lambda _: client.get_object(Bucket=BUCKET, Key=OBJECT)["Body"].read()
    return lambda n: client.put_object(Bucket=BUCKET, Key=f"bench/{n}", Body=data)


async def many(call: Callable[[int], Awaitable[Any]], at_once: int, count: int) -> None:
    numbers = iter(range(count))

    async def one_after_the_other() -> None:
        for number in numbers:
            await call(number)

    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))


def peak_kib() -> int:
    """The most memory this program had: getrusage's figure begins with that of its parent."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main(peer: str, operation: str, size: int, at_once: int, count: int) -> None:
    data = os.urandom(size) if operation == "put" else b""
    call = {"lakewright": lakewright_, "obstore": obstore, "boto3": boto3}[peer](operation, data)

    def run(count: int) -> None:
        if peer == "boto3":
            with ThreadPoolExecutor(at_once) as pool:
                list(pool.map(call, range(count)))
        else:
            asyncio.run(many(call, at_once, count))

    run(min(count, at_once))  # connections and code paths are warm
    before, begin = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    run(count)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"wall": wall, "cpu": cpu, "peak_kib": peak_kib()}), flush=True)
    os._exit(0)  # obstore 0.12.1 now and then aborts while the interpreter ends


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
