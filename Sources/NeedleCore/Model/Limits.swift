/// Every limit of the server in one place (invariant 12). Announced in `server.hello`, documented in
/// `config.example.toml`, and met with a clear error.
package struct Limits: Hashable, Sendable {
    /// Bytes of one line, the newline not counted.
    package var lineBytes = 64 << 20
    /// Requests open on one connection; also the most members of a JSON-RPC batch.
    package var inFlight = 256
    /// Members of any array of points, ids, texts or searches, and a scroll's `limit`.
    package var batchPoints = 10_000
    /// Dimensions of a vector space.
    package var dimensions = 65_536
    /// Longest wait for `min_lsn` or for a loading collection, in milliseconds.
    package var waitMS = 10_000
    /// JSON nesting in a request line.
    package var nesting = 64
    /// Bytes of request lines and unsent replies the whole server may hold: together with the requests in execution
    /// it then stays well below a gigabyte, also when everybody misbehaves.
    package var serverBytes = 256 << 20
    /// A connection that takes no byte of a waiting reply for this long is closed, in milliseconds.
    package var writeTimeoutMS = 60_000
    /// How long accepted requests may take after SIGTERM, in milliseconds.
    package var drainMS = 10_000
    /// Open connections; more are refused at once.
    package var connections = 4096
    /// How long a repeated `op_key` answers the first result, in milliseconds.
    package var opKeyMS = 600_000
    /// How long a scroll cursor lives after its last use, in milliseconds, and how many there may be.
    package var cursorMS = 300_000
    package var cursors = 10_000
    /// Collections and aliases.
    package var collections = 1_000
    /// Vector spaces of one collection.
    package var spaces = 64

    package init() {}
}
