/// What a processor remembers of one thing between records. Mutated in place by the processor; the step keeps it in the task's
/// cache, writes it as a snapshot in the epoch's transaction where its bytes changed, and restores it lazily.
///
/// Confined to the task's stream thread.
public protocol ProcessorState: AnyObject {
    /// Version of the binary form that `encode` writes; it only rises. What `init(from:version:)` cannot read stops the topology.
    static var version: UInt8 { get }

    /// The state of a thing that was never seen.
    init()

    /// Reads what some version up to `Self.version` wrote.
    init(from reader: inout StateReader, version: UInt8) throws(StateFault)

    func encode(into writer: inout StateWriter)

    /// Another one that is the same now and does not change with this: the state to which a refused record goes back (rule 5). What
    /// only the open epoch knows and `encode` does not write, such as rows that are still to be written, belongs to it.
    func copy() -> Self

    /// True where there is nothing to remember: the snapshot's row is deleted.
    var isEmpty: Bool { get }
}

/// Why a snapshot cannot be read.
public struct StateFault: Error, Sendable {
    public var message: String

    public init(_ message: String) { self.message = message }
}
