"""All benchmarks, one table after the other: `python -m benchmarks` (about forty minutes)."""

from benchmarks import (
    calibration,
    forgetting_attention,
    lstm,
    overhead,
    replicates,
    site,
    startup,
    verdict,
    verification,
    word2vec,
)

if __name__ == "__main__":
    for benchmark in (
        startup,
        overhead,
        replicates,
        forgetting_attention,
        lstm,
        calibration,
        verdict,
        verification,
        word2vec,
        site,
    ):
        print(f"\n## {benchmark.__name__}\n")
        benchmark.main()
