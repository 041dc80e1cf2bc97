import ArgumentParser
import NeedleClient
import NeedletailCommand
import Testing

@Suite("The command line: what is accepted, and what failures say")
struct CommandLineTests {
    @Test(
        "Complete command lines are accepted",
        arguments: [
            "info", "info docs --json", "collections", "health", "health --json", "health docs --json",
            "health docs --accept", "health --accept docs --url needletail://h:1",
            "create docs --size 384 --metric dot --quantization none",
            "create docs --model all-MiniLM-L6-v2 --m 32 --ef-construct 200 --durability os --text-key body",
            "create docs --space title=384 --space body=768", "drop docs -y", "import docs",
            "import docs a.jsonl b.jsonl --skip-bad --batch 10 --in-flight 2 --quiet",
            "import docs - --text-key text --create --model m",
            "search docs text --limit 3 --offset 2 --ef 64", "search docs text --recall 0.98",
            "search docs --vector [1,2] --exact --threshold 0.5 --using title --columns a,b",
            "search docs --id 17 --string-ids --json", "get docs 1 2 --vectors", "delete docs 1 2",
            "delete docs --all --yes", "payload docs 1 2 --set {}",
            "payload docs --all --delete a --delete b",
            "payload docs --filter {} --replace {} -y", "count docs", "embed a b --kind query",
            "optimize docs --no-wait",
            "snapshot export s f.archive", "snapshot export s - --quiet", "snapshot import - --as copy",
            "snapshot import f.archive", "backup dir", "restore dir -q --timeout 5",
            "ingest docs dir --create --model m --delete-missing --glob *.rst --glob a/*.md -q",
            "ingest docs dir --format plain --max-tokens 128 --overlap-tokens 0 --prefix p/",
            "document put docs id", "document put docs a/b.md f.md --format markdown --payload {}",
            "eval docs --queries f.jsonl",
            "eval docs --queries - --against docs2 --k 5 --by document_id --json",
            "eval docs --queries f --setting ef=64 --against exact --seed 7 --relevant-key expected -q",
            "document get docs id --vectors --json", "document delete docs a b",
            "check dir", "check file --json", "dump file --rows 5", "repair dir", "repair dir --yes",
            "search docs text --hybrid --keys name,text --weights 0.7,0.3", "search docs --id 1 --words gimp",
            "search docs text --diverse 0.5 --explain", "search docs text --group-by section --group-size 2",
            "index create docs a.b keyword --tenant",
            "index create docs body text --stemming english --stop-words the,a", "index list docs --json",
            "index delete docs a.b", "facet docs section --limit 50 --json",
            "completion bash", "count docs --url needletail://h:1 --timeout 2.5",
        ])
    func accepted(line: String) throws {
        _ = try Needletail.parseAsRoot(line.split(separator: " ").map(String.init))
    }

    @Test(
        "Contradictions and gaps are refused before anything is sent",
        arguments: [
            "health --accept", "health docs pages", "health docs --accept=now",
            "create docs", "create docs --size 0", "create docs --size 3 --space a=3",
            "create docs --space a",
            "create docs --space =3", "create docs --size 3 --metric manhattan", "search docs",
            "search docs text --id 3", "search docs text --limit 0", "search docs text --limit 10001",
            "search docs text --exact --ef 3", "search docs text --recall 0.9 --ef 3",
            "search docs text --recall 0.4", "search docs text --recall 0.9 --limit 101",
            "search docs text --threshold nan", "search docs --id 1 --hybrid", "search docs text --words b",
            "search docs text --keys a", "search docs text --hybrid --weights 1",
            "search docs text --hybrid --weights 0,0", "search docs text --diverse 2",
            "search docs text --group-by a --group-size 0",
            "search docs text --group-by a --diverse 0.5", "index create docs a",
            "index create docs a words", "index create docs a text --tenant",
            "index create docs a keyword --stemming english", "facet docs", "facet docs a --limit 0",
            "get docs", "delete docs",
            "delete docs 1 --all", "payload docs 1", "payload docs --set {}",
            "payload docs 1 --set {} --delete a", "payload docs 1 --all --set {}",
            "import docs --create", "import docs --size 3", "import docs --batch 0",
            "drop", "ingest docs", "ingest docs dir --create", "ingest docs dir --format html",
            "ingest docs dir --model m", "ingest docs dir --max-tokens 1", "document put docs",
            "eval docs", "eval --queries f", "eval docs --queries f --k 0",
            "document delete docs", "document get docs",
            "snapshot export s", "snapshot import", "backup", "restore", "restore a b",
            "check", "dump", "dump f --rows -1", "repair", "repair a b",
            "count docs --timeout -1", "embed --kind answer x", "completion tcsh",
        ])
    func refused(line: String) {
        #expect(throws: (any Error).self) {
            _ = try Needletail.parseAsRoot(line.split(separator: " ").map(String.init))
        }
    }

    @Test("Every command has a summary and examples")
    func helpIsThere() {
        for command in Needletail.configuration.subcommands {
            let help = Needletail.helpMessage(for: command, columns: 80)
            #expect(help.contains("OVERVIEW: "), "\(command)")
            #expect(
                help.contains("EXAMPLES\n  needletail ") || help.contains("EXAMPLES\n  cd "), "\(command)")
            #expect(!command.configuration.abstract.isEmpty)
        }
    }

    @Test("Completion scripts name every command", arguments: [CompletionShell.bash, .zsh, .fish])
    func completion(shell: CompletionShell) {
        let script = Needletail.completionScript(for: shell)
        for name in ["import", "search", "optimize", "collections", "health", "accept"] {
            #expect(script.contains(name))
        }
    }

    @Test("Usage errors end with 2, an unreachable server with 3")
    func statuses() async {
        #expect(await Needletail.run(["serch"]) == .usage)
        #expect(await Needletail.run(["search", "docs"]) == .usage)
        #expect(await Needletail.run(["count", "docs", "--url", "http://x"]) == .usage)
        #expect(await Needletail.run(["count", "docs", "--filter", "{"]) == .usage)
        #expect(await Needletail.run(["count", "docs", "--url", "127.0.0.1:1"]) == .cannotConnect)
        #expect(await Needletail.run(["--url", "127.0.0.1:1", "count", "docs"]) == .cannotConnect)
        #expect(await Needletail.run(["health", "--url", "127.0.0.1:1"]) == .cannotConnect)
        #expect(await Needletail.run(["health", "--accept", "--url", "127.0.0.1:1"]) == .usage)
        #expect(
            await Needletail.run(["import", "docs", "/nonexistent/rows.jsonl", "--url", "127.0.0.1:1"])
                == .badInput)
        #expect(await Needletail.run(["check", "/nonexistent"]) == .usage)
        #expect(await Needletail.run(["dump", "/etc/hostname"]) == .usage)
        #expect(await Needletail.run(["repair", "/etc"]) == .usage)
        #expect(
            await Needletail.run(["get", "docs", "99999999999999999999", "--url", "127.0.0.1:1"]) == .usage)
    }

    @Test("Statuses are distinct and as documented")
    func documentedStatuses() {
        #expect(ExitStatus.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 6, 130, 141])
    }

    private func failure(
        _ kind: NeedletailError.Kind, _ message: String = "m", at: String? = nil,
        collection: String? = "docs",
        existing: [String]? = nil
    ) -> Failure {
        Failure(NeedletailError(kind, message, at: at), collection: collection, existing: existing)
    }

    @Test("Failures say what to do next")
    func advice() {
        let cannot = failure(.connectionFailed)
        #expect(cannot.status == .cannotConnect)
        #expect(cannot.advice.joined().contains("needletaild --data"))
        #expect(cannot.advice.joined().contains("NEEDLETAIL_URL"))

        let missing = failure(
            .notFound, at: "collection", collection: "packges", existing: ["docs", "packages"])
        #expect(missing.status == .refused)
        #expect(missing.advice == ["did you mean \"packages\"?", "collections: docs, packages"])
        #expect(
            failure(.notFound, at: "collection", existing: []).advice.joined().contains(
                "needletail create docs"))
        #expect(
            failure(.notFound, at: "collection").advice == ["list the collections: needletail collections"])

        #expect(failure(.invalidParams, "no model is loaded").advice.joined().contains("scripts/fetch-model"))
        #expect(failure(.notFound, at: "vectors.model").advice.joined().contains("scripts/fetch-model"))
        #expect(failure(.invalidParams, "no model", at: "text").advice.joined().contains("--vector"))
        #expect(failure(.alreadyExists).advice.joined().contains("needletail drop docs"))
        #expect(failure(.timedOut).status == .timedOut)
        #expect(failure(.deadline).status == .timedOut)
        #expect(failure(.connectionLost).status == .broken)
        #expect(failure(.conflict).advice.isEmpty)
    }
}
