/// Which machine this is: its thing id and what stands on its plate.
public struct MachineIdentity: Sendable, Equatable {
    /// From 1.
    public let number: Int
    public let format: MessageFormat
    /// A thing belongs to one stage of a topology: machines that report to different ones must never share an id.
    public let hall: String

    /// - Parameter hall: nil: Ditto's machines stand in hall 3, those with plain telemetry in hall 4.
    public init(number: Int, format: MessageFormat, hall: String? = nil) {
        (self.number, self.format) = (number, format)
        self.hall = hall ?? (format == .ditto ? "hall3" : "hall4")
    }

    public var namespace: String { "zonesun.\(hall)" }
    /// Two digits at least, and the same whatever the number of machines.
    public var name: String { number < 10 ? "filler-0\(number)" : "filler-\(number)" }
    public var thingID: String { "\(namespace):\(name)" }
    public var serialNumber: String { "ZS-XYZ-\(20_240_000 + number)" }
}
