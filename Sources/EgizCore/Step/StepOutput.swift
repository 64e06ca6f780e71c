/// What one task contributes to an epoch.
public struct StepOutput {
    public let twins: [TwinRow]
    public let states: [StateRow]
    public let timers: TimerChange?
    public let rollups: [RollupRow]
    public let scenes: [SceneRow]
    public let alerts: [AlertRow]
    public let predictions: [PredictionRow]
    public let rules: RulesProgress?
    /// What the epoch emits, in order.
    public let outputs: [OutputRecord]
    public let idle: TaskAdvance.Idle?
    let list: EpochColumns

    init(
        twins: [TwinRow], states: [StateRow], timers: TimerChange?, rollups: [RollupRow], scenes: [SceneRow],
        alerts: [AlertRow], predictions: [PredictionRow] = [], rules: RulesProgress?, outputs: [OutputRecord],
        idle: TaskAdvance.Idle?, columns: EpochColumns
    ) {
        self.twins = twins
        self.states = states
        self.timers = timers
        self.rollups = rollups
        self.scenes = scenes
        self.alerts = alerts
        self.predictions = predictions
        self.rules = rules
        self.outputs = outputs
        self.idle = idle
        list = columns
    }

    /// Sealed columns; one may be empty where all its samples gave way to another kind.
    public var columns: [SeriesColumn] { list.columns.filter { !$0.isEmpty } }

    func recycle() { list.recycle() }
}
