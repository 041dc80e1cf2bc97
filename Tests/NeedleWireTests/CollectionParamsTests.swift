import NeedleCore
import NeedleWire
import Testing

@Suite("Params of collection.*, server.* and text.embed")
struct CollectionParamsTests {
    private func create(_ params: String) throws -> CreateCollection {
        guard case .createCollection(let create) = try request(line("collection.create", params)).call else {
            throw NoRequest()
        }
        return create
    }

    @Test("One space with defaults, and with everything said")
    func oneSpace() throws {
        #expect(
            try create(#"{"name":"docs","vectors":{"size":4}}"#)
                == CreateCollection(name: "docs", spaces: [SpaceDefinition(size: 4)]))
        let full = #"""
            {"name":"a.B_-9","vectors":{"size":8,"metric":"dot","quantization":{"kind":"binary"},
            "hnsw":{"m":32,"ef_construct":200},"model":"all-MiniLM-L6-v2"},"durability":"os","text_key":"body"}
            """#
        let space = SpaceDefinition(
            size: 8, metric: .dot, quantization: .binary, hnsw: HNSWConfig(m: 32, efConstruct: 200),
            model: "all-MiniLM-L6-v2")
        #expect(
            try create(full)
                == CreateCollection(name: "a.B_-9", spaces: [space], durability: .os, textKey: "body"))
        let nulls =
            #"{"name":"c","vectors":{"model":"m","size":null,"hnsw":null,"metric":null,"quantization":null},"durability":null,"text_key":null}"#
        #expect(try create(nulls) == CreateCollection(name: "c", spaces: [SpaceDefinition(model: "m")]))
    }

    @Test("A map of spaces keeps its order; a space may be called like a key")
    func namedSpaces() throws {
        let named = try create(
            #"{"vectors":{"title":{"size":2},"body":{"size":3,"metric":"euclid"}},"name":"c"}"#)
        #expect(
            named.spaces == [
                SpaceDefinition(name: "title", size: 2),
                SpaceDefinition(name: "body", size: 3, metric: .euclid),
            ])
        #expect(
            try create(#"{"name":"c","vectors":{"size":{"size":2}}}"#).spaces
                == [SpaceDefinition(name: "size", size: 2)])
    }

    static let wrong: [Refused] = [
        Refused("collection.create", "{}", "name"),
        Refused("collection.create", #"{"name":"c"}"#, "vectors"),
        Refused("collection.create", #"{"name":"c","vectors":null}"#, "vectors"),
        Refused("collection.create", #"{"name":"c","vectors":[]}"#, "vectors"),
        Refused("collection.create", #"{"name":"c","vectors":{}}"#, "vectors.size"),
        Refused("collection.create", #"{"name":"c","vectors":{"metric":"dot"}}"#, "vectors.size"),
        Refused("collection.create", #"{"name":"c","vectors":{"size":0}}"#, "vectors.size"),
        Refused("collection.create", #"{"name":"c","vectors":{"size":9}}"#, "vectors.size"),
        Refused("collection.create", #"{"name":"c","vectors":{"size":2.0}}"#, "vectors.size"),
        Refused("collection.create", #"{"name":"c","vectors":{"size":"4"}}"#, "vectors.size"),
        Refused(
            "collection.create", #"{"name":"c","vectors":{"size":4,"dimension":4}}"#, "vectors.dimension"),
        Refused("collection.create", #"{"name":"c","vectors":{"size":4,"metric":"l2"}}"#, "vectors.metric"),
        Refused("collection.create", #"{"name":"c","vectors":{"size":4,"hnsw":{"m":1}}}"#, "vectors.hnsw.m"),
        Refused(
            "collection.create", #"{"name":"c","vectors":{"size":4,"hnsw":{"ef_construct":9999}}}"#,
            "vectors.hnsw.ef_construct"),
        Refused(
            "collection.create", #"{"name":"c","vectors":{"size":4,"hnsw":{"ef":1}}}"#, "vectors.hnsw.ef"),
        Refused(
            "collection.create", #"{"name":"c","vectors":{"size":4,"quantization":{}}}"#,
            "vectors.quantization.kind"),
        Refused(
            "collection.create", #"{"name":"c","vectors":{"size":4,"quantization":{"kind":"pq"}}}"#,
            "vectors.quantization.kind"),
        Refused(
            "collection.create", #"{"name":"c","vectors":{"size":4,"quantization":"int8"}}"#,
            "vectors.quantization"),
        Refused("collection.create", #"{"name":"c","vectors":{"size":4,"model":""}}"#, "vectors.model"),
        Refused(
            "collection.create", #"{"name":"c","vectors":{"a":{"size":4},"b":{"metric":"dot"}}}"#,
            "vectors.b.size"),
        Refused("collection.create", #"{"name":"c","vectors":{"a b":{"size":4}}}"#, #"vectors."a b""#),
        Refused("collection.create", #"{"name":"c","vectors":{"a":{"size":4},"a":{"size":4}}}"#, "vectors.a"),
        Refused(
            "collection.create", #"{"name":"c","vectors":{"a":{"size":1},"b":{"size":1},"c":{"size":1}}}"#,
            "vectors", .limitExceeded),
        Refused("collection.create", #"{"name":"c","vectors":{"size":4},"durability":"none"}"#, "durability"),
        Refused("collection.create", #"{"name":"c","vectors":{"size":4},"text_key":""}"#, "text_key"),
        Refused("collection.create", #"{"name":"","vectors":{"size":4}}"#, "name"),
        Refused("collection.create", #"{"name":".c","vectors":{"size":4}}"#, "name"),
        Refused("collection.create", #"{"name":"a/b","vectors":{"size":4}}"#, "name"),
        Refused("collection.create", #"{"name":"é","vectors":{"size":4}}"#, "name"),
        Refused("collection.create", #"{"name":7,"vectors":{"size":4}}"#, "name"),
        Refused(
            "collection.create", #"{"name":"\#(String(repeating: "x", count: 256))","vectors":{"size":4}}"#,
            "name"),
        Refused("collection.create", #"{"collection":"c","vectors":{"size":4}}"#, "collection"),
        Refused("collection.get", #"{"collection":null}"#, "collection"),
        Refused("collection.get", #"{"collection":"c","min_lsn":-1}"#, "min_lsn"),
        Refused("collection.get", #"{"collection":"c","quality":"yes"}"#, "quality"),
        Refused("collection.get", #"{"quality":true}"#, "collection"),
        Refused("collection.delete", #"{"collection":"c","min_lsn":1}"#, "min_lsn"),
        Refused("collection.update", "{}", "collection"),
        Refused("collection.update", #"{"collection":"c"}"#, "params"),
        Refused("collection.update", #"{"collection":"c","quality_baseline":null}"#, "params"),
        Refused("collection.update", #"{"quality_baseline":"now"}"#, "collection"),
        Refused("collection.update", #"{"collection":"c","quality_baseline":"then"}"#, "quality_baseline"),
        Refused("collection.update", #"{"collection":"c","quality_baseline":true}"#, "quality_baseline"),
        Refused("collection.update", #"{"collection":"c","durability":"os"}"#, "durability"),
        Refused("collection.optimize", #"{"collection":"c","wait":1}"#, "wait"),
        Refused("server.cancel", "{}", "id"),
        Refused("server.cancel", #"{"id":null}"#, "id"),
        Refused("server.cancel", #"{"id":1.5}"#, "id"),
        Refused("server.cancel", #"{"id":true}"#, "id"),
        Refused("auth.login", "{}", "api_key"),
        Refused("auth.login", #"{"api_key":1}"#, "api_key"),
        Refused("text.embed", "{}", "texts"),
        Refused("text.embed", #"{"texts":"a"}"#, "texts"),
        Refused("text.embed", #"{"texts":["a",null]}"#, "texts[1]"),
        Refused("text.embed", #"{"texts":["a","b","c","d","e","f"]}"#, "texts", .limitExceeded),
        Refused("text.embed", #"{"texts":[],"kind":"document"}"#, "kind"),
        Refused("text.embed", #"{"texts":[],"vector_encoding":"hex"}"#, "vector_encoding"),
        Refused("text.embed", #"{"texts":[],"collection":"c"}"#, "collection"),
    ]

    @Test("Refused with their place", arguments: wrong)
    func refused(_ refused: Refused) throws { try refused.check() }

    @Test("The longest name is accepted, and one limit is counted exactly")
    func edges() throws {
        let name = String(repeating: "x", count: 255)
        #expect(try create(#"{"name":"\#(name)","vectors":{"size":8}}"#).name == name)
        guard
            case .embedTexts(let embed) = try request(
                line(
                    "text.embed",
                    #"{"texts":["","b","c","d","é"],"kind":"query","model":"m","vector_encoding":"base64"}"#)
            ).call
        else { throw NoRequest() }
        #expect(
            embed
                == EmbedTexts(
                    texts: ["", "b", "c", "d", "é"], model: "m", kind: .query, vectorEncoding: .base64))
    }

    @Test("Quality is told when asked for, and only now can be its baseline")
    func quality() throws {
        for (params, quality) in [
            (#"{"collection":"c","quality":true}"#, true), (#"{"collection":"c","quality":false}"#, false),
            (#"{"collection":"c","quality":null}"#, false),
        ] {
            guard case .getCollection(let get) = try request(line("collection.get", params)).call else {
                throw NoRequest()
            }
            #expect(get == GetCollection(collection: "c", quality: quality))
        }
        let accepting = line("collection.update", #"{"quality_baseline":"now","collection":"c"}"#)
        guard case .updateCollection(let update) = try request(accepting).call else { throw NoRequest() }
        #expect(update == UpdateCollection(collection: "c", acceptsQuality: true))
        #expect(!UpdateCollection(collection: "c").acceptsQuality)
        let wrong = line("collection.update", #"{"collection":"c","quality_baseline":"then"}"#)
        let error = try #require(refusal(of: wrong)).error
        #expect((error.expected, error.got) == ("now", "then"))
    }

    @Test("Small calls")
    func small() throws {
        guard case .cancel(.string(let id)) = try request(line("server.cancel", #"{"id":"é"}"#)).call,
            case .login("key") = try request(line("auth.login", #"{"api_key":"key"}"#)).call,
            case .getCollection(let get) = try request(
                line("collection.get", #"{"collection":"c","min_lsn":18446744073709551615}"#)
            ).call,
            case .deleteCollection(let delete) = try request(
                line("collection.delete", #"{"collection":"c"}"#)
            ).call,
            case .optimizeCollection(let optimize) = try request(
                line("collection.optimize", #"{"collection":"c","wait":true}"#)
            ).call
        else { throw NoRequest() }
        #expect(id == Array("é".utf8))
        #expect(get == GetCollection(collection: "c", minimumLSN: LSN(.max)))
        #expect(delete == DeleteCollection(collection: "c"))
        #expect(optimize == OptimizeCollection(collection: "c", wait: true))
    }
}
