/// What the machine's sensors show: rounded and noisy, in the units of the twin.
public struct SensorReadings: Sendable, Equatable {
    /// °C of the product in the filling head.
    public var temperature: Double
    /// kPa before the nozzles.
    public var pressure: Double
    /// ml/s through all nozzles.
    public var flow: Double
    /// mm/s RMS at the frame.
    public var vibration: Double
    /// % of the nominal content, mean of the last cycle's bottles; nil before the first.
    public var fillLevel: Double?
    /// % of the tank, litres in it, °C.
    public var tankLevel: Double
    public var tankVolume: Double
    public var tankTemperature: Double
    public var isRefilling: Bool
    /// Bottles a minute, by the last cycle; nil before the first.
    public var conveyorSpeed: Double?
    /// 1/min, A and °C.
    public var motorSpeed: Double
    public var motorCurrent: Double
    public var motorTemperature: Double
}
