/// A pure step: it sees a change of a twin and appends effects to the caller's buffer. No clock, no I/O, no randomness; time
/// comes from the change. One instance a task, confined to the task's stream thread.
public protocol Processor: AnyObject, SendableMetatype {
    static var spec: KindSpec { get }

    /// Builds the processor from settings that were checked against `spec`.
    init(_ definition: ProcessorDefinition) throws(TopologyFaults)

    /// Called once for each change, in the order of the key. A thrown fault refuses the whole record: none of its effects
    /// and state changes stay (rule 5).
    func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault)

    /// True where `process` may throw: only then does the step keep what it needs to rebuild a twin.
    static var mayRefuse: Bool { get }
}

extension Processor {
    public static var mayRefuse: Bool { true }
}

/// Why a processor refused a record: a data error, never a bug and never weather.
public struct RecordFault: Error, Sendable {
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// All faults of one definition.
public struct TopologyFaults: Error, Sendable {
    public var faults: [TopologyFault]

    public init(_ faults: [TopologyFault]) { self.faults = faults }
}
