public import EgizCore
public import EgizRuntime

/// Runs the letters of a plan in memory and says for each what would become of it. Confined to the thread of its connection.
public struct RedriveDryRun {
    public struct Line: Sendable {
        public var letter: DeadLetterRow
        public var outcome: LetterRehearsal.Outcome
    }

    /// Letters that are held whole at a time.
    private static let chunk = 20

    private let connection: PostgresConnection
    private let store: PostgresTaskStore
    private let registry: ProcessorRegistry
    private let read: (String, String) -> Topology?

    /// - Parameters:
    ///   - store: for the twins and states; it takes nothing over.
    ///   - read: name and text of a deployed topology to the topology; nil where this version cannot read it.
    public init(
        _ connection: PostgresConnection, store: PostgresTaskStore, registry: ProcessorRegistry,
        read: @escaping (String, String) -> Topology?
    ) {
        self.connection = connection
        self.store = store
        self.registry = registry
        self.read = read
    }

    /// Calls `show` for the first `limit` letters of the plan, in the order in which they would be tried.
    ///
    /// - Throws: `.topology`/`.stop` where the topology is not deployed, or has the stage no more.
    public func run(_ plan: RedrivePlan, limit: Int, show: (Line) throws(EngineError) -> Void) throws(EngineError) {
        let queries = DeadLetterQueries(connection)
        var rehearsals: [TaskID: LetterRehearsal] = [:]
        var left = limit
        for part in plan.parts where left > 0 {
            let rehearsal: LetterRehearsal
            if let known = rehearsals[part.task] {
                rehearsal = known
            } else {
                rehearsal = try make(part.task, queries)
                rehearsals[part.task] = rehearsal
            }
            let ids = part.letters.prefix(left)
            left -= ids.count
            for start in stride(from: 0, to: ids.count, by: Self.chunk) {
                for letter in try queries.letters(Array(ids[start..<min(start + Self.chunk, ids.count)])) {
                    try show(Line(letter: letter.row, outcome: try rehearsal.run(letter.stored)))
                }
            }
        }
    }

    private func make(_ task: TaskID, _ queries: DeadLetterQueries) throws(EngineError) -> LetterRehearsal {
        let stage = try Self.stage(task.stage, queries, read)
        guard let facts = try queries.facts(of: task) else {
            throw EngineError(.state, .stop, "task \(task) has dead letters and no row in egiz.task")
        }
        return try LetterRehearsal(facts, stage: stage, registry: registry, store: store)
    }

    /// The stage as the deployed topology has it.
    public static func stage(
        _ name: StageName, _ queries: DeadLetterQueries, _ read: (String, String) -> Topology?
    ) throws(EngineError) -> StageDefinition {
        guard let text = try queries.topologyText(name.topology) else {
            throw EngineError(.topology, .stop, "topology \(name.topology) is not deployed any more; apply it again")
        }
        guard let topology = read(name.topology, text) else {
            throw EngineError(
                .topology, .stop,
                "this version of egiz cannot read the deployed text of topology \(name.topology); `egiz topology diff` says why"
            )
        }
        guard let stage = topology.stages.first(where: { $0.name == name }) else {
            throw EngineError(
                .topology, .stop,
                "the deployed version of topology \(name.topology) has no source \(name.source) any more")
        }
        return stage
    }
}
