import EgizCore
import EgizRuntime
import EgizTwin

/// Reads the state of all topologies in one snapshot. Safe from any thread; errors are those of `PostgresPool.run`.
public struct TopologyQueries: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// All topologies that were saved or have tasks, ascending by name.
    public func topologies() async throws -> [TopologyState] {
        try await pool.read { connection in
            var offsets = try Self.offsets(connection)
            var tasks = try Self.tasks(connection, offsets: &offsets)
            var stages = try Self.stages(connection, tasks: &tasks)
            var topologies = try Self.saved(connection, stages: &stages)
            for (name, stages) in stages {
                topologies.append(TopologyState(name: name, version: nil, active: false, applied: nil, stages: stages))
            }
            let snapshot = try DeploymentRows.snapshot(connection)
            for index in topologies.indices {
                let name = topologies[index].name
                topologies[index].deployment = snapshot.deployment(name)
                topologies[index].workers = topologies[index].deployment == nil ? [] : snapshot.workers(of: name)
            }
            return topologies.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        }
    }

    private struct Key: Hashable {
        var stage: String
        var partition: Int64
    }

    private static func offsets(_ connection: PostgresConnection) throws -> [Key: [TaskState.Offset]] {
        var found: [Key: [TaskState.Offset]] = [:]
        let rows = try connection.query(
            """
            select stage, partition, topic, next_offset from egiz.task_offset order by stage, partition, topic
            """)
        for row in rows {
            guard let stage = row.text(0), let partition = row.int64(1), let topic = row.text(2),
                let next = row.int64(3)
            else { continue }
            found[Key(stage: stage, partition: partition), default: []].append(
                TaskState.Offset(topic: topic, next: NextOffset(stored: next)))
        }
        return found
    }

    private static func tasks(
        _ connection: PostgresConnection, offsets: inout [Key: [TaskState.Offset]]
    ) throws -> [String: [TaskState]] {
        var found: [String: [TaskState]] = [:]
        let rows = try connection.query(
            """
            select stage, partition, worker_id, worker_host, worker_pid, owner_epoch, epoch, last_commit_at, stream_time, counters
            from egiz.task order by stage, partition
            """)
        for row in rows {
            guard let stage = row.text(0), let partition = row.int64(1) else { continue }
            found[stage, default: []].append(
                TaskState(
                    partition: Int32(clamping: partition),
                    owner: row.text(2).map { TaskState.Owner(worker: $0, host: row.text(3), processID: row.int64(4)) },
                    ownerEpoch: row.int64(5) ?? 0, epoch: row.int64(6) ?? 0,
                    lastCommit: row.timestamp(7).map(EventTime.init(microseconds:)),
                    streamTime: row.timestamp(8).map(EventTime.init(microseconds:)),
                    counters: StoredCounters.parse(row.text(9) ?? ""),
                    offsets: offsets.removeValue(forKey: Key(stage: stage, partition: partition)) ?? []))
        }
        return found
    }

    private static func stages(
        _ connection: PostgresConnection, tasks: inout [String: [TaskState]]
    ) throws -> [String: [StageState]] {
        var found: [String: [StageState]] = [:]
        let rows = try connection.query(
            """
            select stage, topology, source, partitions from egiz.stage order by stage
            """)
        for row in rows {
            guard let name = row.text(0), let topology = row.text(1), let source = row.text(2) else { continue }
            found[topology, default: []].append(
                StageState(
                    name: StageName(topology: topology, source: source), partitions: row.int64(3) ?? 0,
                    tasks: tasks.removeValue(forKey: name) ?? []))
        }
        return found
    }

    private static func saved(
        _ connection: PostgresConnection, stages: inout [String: [StageState]]
    ) throws -> [TopologyState] {
        let rows = try connection.query(
            "select distinct on (name) name, version, active, applied_at from egiz.topology order by name, version desc"
        )
        return rows.compactMap { row in
            guard let name = row.text(0) else { return nil }
            return TopologyState(
                name: name, version: row.int64(1), active: row.bool(2) ?? false,
                applied: row.timestamp(3).map(EventTime.init(microseconds:)),
                stages: stages.removeValue(forKey: name) ?? [])
        }
    }
}
