// The process's own output: what standard output and standard error are, and writing to them. The only file
// that prints.

import Glibc

/// Standard output and standard error.
package struct Terminal: Sendable {
    /// Columns of standard output, `nil` when it is no terminal.
    package let width: Int?
    /// Columns of standard error, `nil` when it is no terminal.
    package let errorWidth: Int?
    package let style: Style
    package let errorStyle: Style

    /// What this process has.
    package static func current() -> Terminal {
        let noColour = environment("NO_COLOR").map { !$0.isEmpty } ?? false
        let isDumb = environment("TERM") == "dumb"
        func style(_ descriptor: Int32) -> Style {
            isatty(descriptor) == 1 && !noColour && !isDumb ? .ansi : .plain
        }
        return Terminal(
            width: columns(STDOUT_FILENO), errorWidth: isDumb ? nil : columns(STDERR_FILENO),
            style: style(STDOUT_FILENO), errorStyle: style(STDERR_FILENO))
    }

    package static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    private static func columns(_ descriptor: Int32) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return environment("COLUMNS").flatMap(Int.init) ?? 80
    }

    /// Writes a line to standard output. Ends the process quietly when nobody reads it any more.
    package func print(_ line: String) {
        Self.write(line + "\n", to: STDOUT_FILENO)
    }

    package func print(_ lines: [String]) {
        Self.write(lines.map { $0 + "\n" }.joined(), to: STDOUT_FILENO)
    }

    /// Writes a line to standard error.
    package func say(_ line: String) {
        Self.write(line + "\n", to: STDERR_FILENO)
    }

    /// Replaces the last line of a terminal's standard error.
    func overwrite(_ line: String) {
        Self.write("\r\u{1B}[K" + line, to: STDERR_FILENO)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE {
                // As if SIGPIPE had ended the process, which the network library ignores.
                if descriptor == STDOUT_FILENO { exit(ExitStatus.brokenPipe.rawValue) }
                return
            } else if errno != EINTR && errno != EAGAIN {
                return
            }
        }
    }

    /// Asks a question that is answered with `y` or something else.
    ///
    /// - Returns: `nil` when standard input is no terminal.
    package func confirm(_ question: String) -> Bool? {
        guard isatty(STDIN_FILENO) == 1 else { return nil }
        Self.write(question + " [y/N] ", to: STDERR_FILENO)
        return ["y", "yes"].contains((readLine() ?? "").lowercased())
    }
}

/// Shows the progress of one operation: a bar that is redrawn on a terminal, a line now and then otherwise.
struct ProgressPrinter {
    private let terminal: Terminal
    private let isQuiet: Bool
    private var lastShown = -Double.infinity
    private var isDrawn = false

    init(_ terminal: Terminal, quiet: Bool = false) {
        self.terminal = terminal
        isQuiet = quiet
    }

    mutating func show(_ line: ProgressLine) {
        guard !isQuiet else { return }
        if let width = terminal.errorWidth {
            guard line.elapsed - lastShown >= 0.1 else { return }
            terminal.overwrite(line.bar(width: width))
            isDrawn = true
        } else {
            guard line.elapsed - max(lastShown, 0) >= 5 else { return }
            terminal.say(line.plain)
        }
        lastShown = line.elapsed
    }

    /// Clears the bar, so that what follows begins on an empty line.
    mutating func end() {
        if isDrawn { terminal.overwrite("") }
        isDrawn = false
    }
}
