import NeedleCore
import NeedleWire
import Testing

@Suite("Params of methods about documents")
struct DocumentParamsTests {
    @Test("Documents with all that they may have")
    func upsert() throws {
        guard
            case .upsertDocuments(let call) = try request(
                line(
                    "document.upsert",
                    ##"{"collection":"c","documents":[{"document_id":"a/é.md","text":"# T","format":"markdown","##
                        + #""payload":{ "n" : 1.50 }},{"document_id":"b","text":"","format":null,"payload":null}],"#
                        + #""chunk":{"max_tokens":64,"overlap_tokens":0},"model":"m","op_key":"k"}"#)
            ).call
        else { throw NoRequest() }
        #expect(
            call.documents == [
                DocumentWrite(
                    id: "a/é.md", text: "# T", format: .markdown,
                    payload: Payload(compactJSON: Array(#"{"n":1.50}"#.utf8))),
                DocumentWrite(id: "b", text: ""),
            ])
        #expect(call.sizes == ChunkSizes(maximum: 64, overlap: 0) && call.model == "m" && call.opKey == "k")
    }

    @Test("Defaults, reading and deleting")
    func others() throws {
        guard
            case .upsertDocuments(let upsert) = try request(
                line("document.upsert", #"{"collection":"c","documents":[],"chunk":{"max_tokens":null}}"#)
            ).call,
            case .getDocument(let get) = try request(
                line(
                    "document.get",
                    #"{"collection":"c","document_id":"a","with_payload":false,"with_vector":true,"#
                        + #""vector_encoding":"base64","min_lsn":3}"#)
            ).call,
            case .deleteDocuments(let delete) = try request(
                line("document.delete", #"{"collection":"c","document_ids":["a","a"],"op_key":"k"}"#)
            ).call
        else { throw NoRequest() }
        #expect(upsert.sizes == ChunkSizes())
        #expect(get.documentID == "a" && get.selection == PointSelection(payload: .none, withVector: true))
        #expect(get.vectorEncoding == .base64 && get.minimumLSN == LSN(3))
        #expect(delete.documentIDs == ["a", "a"] && delete.opKey == "k")
    }

    @Test(
        "What is wrong, and where",
        arguments: [
            ("document.upsert", #"{"collection":"c"}"#, "documents"),
            ("document.upsert", #"{"documents":[]}"#, "collection"),
            ("document.upsert", #"{"collection":"c","documents":{}}"#, "documents"),
            (
                "document.upsert", #"{"collection":"c","documents":[{"text":"a"}]}"#,
                "documents[0].document_id"
            ),
            (
                "document.upsert", #"{"collection":"c","documents":[{"document_id":"a"}]}"#,
                "documents[0].text"
            ),
            (
                "document.upsert", #"{"collection":"c","documents":[{"document_id":7,"text":""}]}"#,
                "documents[0].document_id"
            ),
            (
                "document.upsert", #"{"collection":"c","documents":[{"document_id":"","text":""}]}"#,
                "documents[0].document_id"
            ),
            (
                "document.upsert",
                #"{"collection":"c","documents":[{"document_id":"\#(String(repeating: "a", count: 501))","text":""}]}"#,
                "documents[0].document_id"
            ),
            (
                "document.upsert",
                #"{"collection":"c","documents":[{"document_id":"a","text":"","format":"html"}]}"#,
                "documents[0].format"
            ),
            (
                "document.upsert",
                #"{"collection":"c","documents":[{"document_id":"a","text":"","payload":[]}]}"#,
                "documents[0].payload"
            ),
            (
                "document.upsert",
                #"{"collection":"c","documents":[{"document_id":"a","text":"","vector":[1]}]}"#,
                "documents[0].vector"
            ),
            (
                "document.upsert", #"{"collection":"c","documents":[],"chunk":{"max_tokens":15}}"#,
                "chunk.max_tokens"
            ),
            (
                "document.upsert", #"{"collection":"c","documents":[],"chunk":{"overlap_tokens":-1}}"#,
                "chunk.overlap_tokens"
            ),
            ("document.upsert", #"{"collection":"c","documents":[],"chunk":{"size":1}}"#, "chunk.size"),
            ("document.upsert", #"{"collection":"c","documents":[],"if_absent":true}"#, "if_absent"),
            ("document.get", #"{"collection":"c"}"#, "document_id"),
            ("document.get", #"{"collection":"c","document_id":["a"]}"#, "document_id"),
            ("document.get", #"{"collection":"c","document_id":"a","op_key":"k"}"#, "op_key"),
            ("document.delete", #"{"collection":"c"}"#, "document_ids"),
            ("document.delete", #"{"collection":"c","document_ids":["a",""]}"#, "document_ids[1]"),
            ("document.delete", #"{"collection":"c","document_ids":["a"],"filter":{}}"#, "filter"),
        ])
    func refusals(method: String, params: String, at place: String) throws {
        try Refused(method, params, place).check()
    }
}
