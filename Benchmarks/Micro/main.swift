// Micro benchmarks: `swift run -c release micro-benchmark [json] [wire] [kernels] [quantizer]`, all without arguments.
// Processor time, the best of several rounds.

let wanted = CommandLine.arguments.dropFirst()
for (name, run) in [
    ("json", JSONBenchmarks.run), ("wire", WireBenchmarks.run), ("kernels", KernelBenchmarks.run),
    ("quantizer", QuantizerBenchmarks.run),
] where wanted.isEmpty || wanted.contains(name) {
    run()
}
