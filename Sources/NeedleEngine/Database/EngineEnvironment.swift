import NeedleCore

/// What every collection of a database shares: the seams, and the options.
struct EngineEnvironment: Sendable {
    let fileSystem: any FileSystem
    let clock: any Clock
    let options: EngineOptions
    let disk: DiskSpace
    /// Different at every start, so that cursors of an earlier life are not mistaken for ours.
    let bootNonce: UInt64
    /// Memory for what is kept of sealed segments beyond their mappings.
    let residence: ResidenceLedger
    /// Memory of what waits to be indexed.
    let backlog: Backlog
    let meters = EngineMeters()
}
