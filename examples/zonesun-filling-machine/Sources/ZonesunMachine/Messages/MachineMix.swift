/// Which machines of the hall speak which format.
public enum MachineMix: String, Sendable, CaseIterable {
    case ditto
    case telemetry
    /// The first half (rounded up) Ditto, the others telemetry.
    case both

    /// The machines 1 ... `count`. - Parameter hall: of all of them; nil: by their formats.
    public func machines(_ count: Int, hall: String? = nil) -> [MachineIdentity] {
        guard count > 0 else { return [] }
        return (1...count).map { number in
            let format: MessageFormat =
                switch self {
                case .ditto: .ditto
                case .telemetry: .telemetry
                case .both: number <= (count + 1) / 2 ? .ditto : .telemetry
                }
            return MachineIdentity(number: number, format: format, hall: hall)
        }
    }
}
