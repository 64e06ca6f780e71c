/// Where the machine is in its cycle.
public enum CyclePhase: String, Sendable, CaseIterable {
    /// The conveyor brings empty bottles under the nozzles.
    case positioning
    /// The valves are open.
    case filling
    /// The valves are closed; the last drops fall into the bottles.
    case dwelling
    /// The bottles are weighed and leave.
    case ejecting
    /// Nothing moves: a fault, or somebody works on the machine.
    case standing
}
