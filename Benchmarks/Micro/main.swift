// Micro benchmarks: `swift run -c release micro-benchmark`. Processor time, the best of several rounds.

JSONBenchmarks.run()
WireBenchmarks.run()
