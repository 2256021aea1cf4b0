"""All benchmarks, one table after the other: `python -m benchmarks` (about fifteen minutes)."""

from benchmarks import calibration, forgetting_attention, lstm, overhead, startup, verification

if __name__ == "__main__":
    for benchmark in (startup, overhead, forgetting_attention, lstm, calibration, verification):
        print(f"\n## {benchmark.__name__}\n")
        benchmark.main()
