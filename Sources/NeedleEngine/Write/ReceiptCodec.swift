import NeedleCore

/// The answer of a write with an `op_key`, as the manifest keeps it.
enum ReceiptCodec {
    static func encode(_ receipt: WriteReceipt) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("created"); writer.write(receipt.created)
        writer.key("updated"); writer.write(receipt.updated)
        writer.key("deleted"); writer.write(receipt.deleted)
        writer.endObject()
        return writer.take()
    }

    static func decode(
        _ json: [UInt8], lsn: LSN, durability: Durability, file: String
    ) throws(DatabaseError) -> WriteReceipt {
        do throws(JSONError) {
            let value = try JSONValue(parsing: json.span)
            if let created = value["created"]?.integerValue, let updated = value["updated"]?.integerValue,
                let deleted = value["deleted"]?.integerValue
            {
                return WriteReceipt(
                    lsn: lsn, durability: durability, created: created, updated: updated, deleted: deleted)
            }
        } catch {
            throw .corruption(file: file, offset: error.offset, what: "result of an op_key: \(error.message)")
        }
        throw .corruption(file: file, offset: 0, what: "result of an op_key lacks its counts")
    }
}
