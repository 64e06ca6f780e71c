/// What an operator sees on the tower light.
public enum MachineStatus: String, Sendable, CaseIterable {
    case running
    /// Stopped by itself; `ErrorCode` says why.
    case fault
    /// Somebody cleans and calibrates.
    case maintenance
}
