/// One processor of a step: its name in the topology, and where its states stand in a twin's entry.
struct ProcessorSlot {
    var name: String
    var instance: any Processor
    var stateType: (any ProcessorState.Type)?
    /// Place in `TwinEntry.states`; nil for a processor without state.
    var stateIndex: Int?
    /// What becomes of a record that it refuses.
    var onError: DeadLetter.Disposition
    /// Place of the processor that it reads from; nil where that is the projector.
    var upstream: Int?
    /// Others read from it.
    var isGate = false
}
