// Second names of collections.

import NeedleCore

extension NeedletailClient {
    /// Sets aliases, all at once: nobody sees some of them switched and others not.
    ///
    /// - Parameter aliases: names of collections by alias.
    public func setAliases(_ aliases: [String: String], timeout: Timeout = .standard) async throws {
        let request = OutgoingRequest("alias.set") { writer in
            writer.key("aliases")
            writer.beginObject()
            for (alias, collection) in aliases.sorted(by: { $0.key < $1.key }) {
                writer.key(string: alias)
                writer.write(collection)
            }
            writer.endObject()
        }
        _ = try await perform(request, timeout: timeout)
    }

    /// Removes aliases, all at once. Their collections stay.
    public func deleteAliases(_ aliases: [String], timeout: Timeout = .standard) async throws {
        let request = OutgoingRequest("alias.delete", repeatability: .onlyIfUnsent) { writer in
            writer.key("aliases")
            writer.array(aliases) { $0.write($1) }
        }
        _ = try await perform(request, timeout: timeout)
    }

    /// Names of collections by alias.
    public func aliases(timeout: Timeout = .standard) async throws -> [String: String] {
        let result = try ResultObject(try await perform(OutgoingRequest("alias.list"), timeout: timeout))
        guard let members = result.object["aliases"]?.objectValue?.members else {
            throw NeedletailError.reply("an object", at: "aliases")
        }
        return Dictionary(members.map { ($0.key, $0.value.stringValue ?? "") }, uniquingKeysWith: { $1 })
    }
}
