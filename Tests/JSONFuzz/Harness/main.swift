// Coverage-guided fuzzing of the JSON reader and writer (libFuzzer). A property that does not hold is a
// trap, which libFuzzer reports with the input. The same properties run over the corpus in an ordinary test
// (JSONCorpusTests).

import CLibFuzzer
import Glibc

var argumentCount = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
let status = withUnsafeMutablePointer(to: &arguments) { pointer in
    pointer.withMemoryRebound(to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self, capacity: 1) {
        pointer in
        LLVMFuzzerRunDriver(&argumentCount, pointer) { data, size in
            let input = Array(UnsafeBufferPointer(start: data, count: size))
            if let broken = JSONProperties.firstBroken(by: input) { fatalError(broken) }
            return 0
        }
    }
}
exit(status)
