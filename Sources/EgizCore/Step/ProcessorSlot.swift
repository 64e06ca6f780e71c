/// One processor of a step: its name in the topology, and where its states stand in a twin's entry.
final class ProcessorSlot {
    let name: String
    let instance: any Processor
    let stateType: (any ProcessorState.Type)?
    /// Place in `TwinEntry.states`; nil for a processor without state.
    let stateIndex: Int?
    /// What becomes of a record that it refuses.
    let onError: DeadLetter.Disposition
    /// Place of the processor that it reads from; nil where that is the projector.
    let upstream: Int?
    /// Others read from it.
    var isGate = false

    init(
        name: String, instance: any Processor, stateType: (any ProcessorState.Type)?, stateIndex: Int?,
        onError: DeadLetter.Disposition, upstream: Int? = nil
    ) {
        self.name = name
        self.instance = instance
        self.stateType = stateType
        self.stateIndex = stateIndex
        self.onError = onError
        self.upstream = upstream
    }
}
