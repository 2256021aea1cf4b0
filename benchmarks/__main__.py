"""All benchmarks, one table after the other: `python -m benchmarks` (about ten minutes)."""

from benchmarks import forgetting_attention, overhead, startup, verification

if __name__ == "__main__":
    for benchmark in (startup, overhead, forgetting_attention, verification):
        print(f"\n## {benchmark.__name__}\n")
        benchmark.main()
