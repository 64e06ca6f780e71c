/// What a Zonesun ZS-XYZ is built like. SI units unless the name says otherwise; all values are those of a small
/// four-nozzle filler for half-litre bottles.
///
/// Sources: orifice flow and discharge coefficient after Torricelli and Bernoulli (`Q = Cd·A·√(2Δp/ρ)`, Cd ≈ 0.6 for a sharp
/// edge); line loss ∝ Q² (Darcy-Weisbach, turbulent); heat exchange by Newton's law of cooling; copper loss `I²R`; vibration
/// velocity of an unbalanced rotor ∝ speed², read as ISO 10816 does (mm/s RMS).
public struct MachineSpec: Sendable {
    // MARK: Product and tank

    /// kg/m³, of water.
    public var density = 1000.0
    /// m/s².
    public var gravity = 9.806_65
    /// m², of a tank one metre high.
    public var tankArea = 0.12
    /// m³.
    public var tankCapacity = 0.12
    /// Shares of the capacity at which refilling begins and ends, and below which no cycle starts.
    public var refillBelow = 0.30, refillUntil = 0.95, emptyBelow = 0.05
    /// m³/s.
    public var refillFlow = 0.8e-3
    /// °C of the fresh product.
    public var supplyTemperature = 12.0

    // MARK: Filling head

    public var nozzles = 4
    /// m², of a bore of 6 mm.
    public var nozzleArea = 2.827e-5
    public var dischargeCoefficient = 0.62
    /// Pa/(m³/s)²: 5 kPa are lost in the line at full flow.
    public var lineLoss = 1.47e10
    /// Pa above ambient, of the air that presses on the product.
    public var headPressure = 30_000.0
    /// Seconds in which a valve moves by 63 %.
    public var valveTime = 0.12
    /// m³, nominal content of a bottle.
    public var bottleVolume = 0.5e-3
    /// Share of the nominal content by which a good bottle may differ.
    public var tolerance = 0.02
    /// Share of the dose that is filled through a nearly closed valve, and how far that is open.
    public var finishShare = 0.08, finishOpening = 0.35
    /// Seconds after which a dose is cut off, full or not.
    public var fillTimeout = 6.0
    /// m³/s that a tight nozzle drips while no bottle stands below it.
    public var drip = 0.02e-6

    // MARK: Motor and conveyor

    /// 1/min while bottles move, and while they are filled.
    public var movingSpeed = 1450.0, holdingSpeed = 600.0
    /// Seconds in which the motor reaches 63 % of a new speed.
    public var motorTime = 0.5
    /// Ω, J/K and W/K of the winding.
    public var windingResistance = 18.0, heatCapacity = 9000.0, cooling = 2.4
    /// °C at which the motor stops, and below which it may start again.
    public var motorLimit = 95.0, motorRestart = 70.0

    // MARK: Mishaps, as mean seconds between two

    public var meanTimeToClog = 1800.0
    public var meanTimeToSupplyLoss = 6 * 3600.0

    public init() {}
}
