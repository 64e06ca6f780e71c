import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin

/// Topologies as JSON.
enum TopologyText {
    static func json(_ topologies: [TopologyState], _ lag: LagReport, lagError: String?, next: String?) -> [UInt8] {
        var out = JSONOutput(capacity: 4096)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for topology in topologies {
            out.beginObject()
            out.member("name", topology.name)
            out.member("version", topology.version)
            out.key("active")
            out.bool(topology.active)
            out.member("appliedAt", topology.applied.map(\.text))
            out.member("state", topology.deployment?.state.rawValue)
            out.member("wantedVersion", topology.deployment?.wantedVersion)
            out.member("runningVersion", topology.deployment?.runningVersion)
            out.key("workers")
            out.beginArray()
            for worker in topology.workers { write(worker, worker.reports[topology.name], into: &out) }
            out.endArray()
            out.key("stages")
            out.beginArray()
            for stage in topology.stages { write(stage, lag, into: &out) }
            out.endArray()
            out.endObject()
        }
        out.endArray()
        out.member("lagError", lagError)
        if let next { out.next(next) }
        out.endObject()
        return out.bytes
    }

    private static func write(_ worker: LiveWorker, _ report: TopologyReport?, into out: inout JSONOutput) {
        out.beginObject()
        out.member("worker", worker.identity.id)
        out.member("host", worker.identity.host)
        out.member("pid", worker.identity.processID)
        out.member("preparedVersion", report?.preparedVersion)
        out.member("runningVersion", report?.runningVersion)
        out.member("refusedVersion", report?.refusedVersion)
        out.member("state", report?.state.rawValue)
        out.member("error", report?.error)
        out.endObject()
    }

    private static func write(_ stage: StageState, _ lag: LagReport, into out: inout JSONOutput) {
        let tasks = stage.tasks.map { task in
            let topics = lag.topics(of: task, in: stage)
            let records = LagReport.records(topics)
            return (task, topics, records, lag.seconds(records: records, streamTime: task.streamTime))
        }
        out.beginObject()
        out.member("name", stage.name.text)
        out.member("source", stage.name.source)
        out.key("topics")
        out.beginArray()
        for topic in stage.topics { out.string(topic) }
        out.endArray()
        out.member("partitions", stage.partitions)
        out.member("deadLetters", stage.tasks.reduce(0) { $0 + $1.counters.deadLetters })
        out.member(
            "lagRecords", tasks.reduce(Int64?(0)) { sum, task in sum.flatMap { sum in task.2.map { sum + $0 } } })
        seconds("lagSeconds", tasks.contains { $0.3 == nil } ? nil : tasks.compactMap(\.3).max() ?? 0, into: &out)
        out.key("tasks")
        out.beginArray()
        for (task, topics, records, behind) in tasks {
            write(task, topics, records: records, seconds: behind, into: &out)
        }
        out.endArray()
        out.endObject()
    }

    private static func write(
        _ task: TaskState, _ topics: [LagReport.Topic], records: Int64?, seconds behind: Double?,
        into out: inout JSONOutput
    ) {
        out.beginObject()
        out.member("partition", task.partition)
        out.key("owner")
        if let owner = task.owner {
            out.beginObject()
            out.member("worker", owner.worker)
            out.member("host", owner.host)
            out.member("pid", owner.processID)
            out.endObject()
        } else {
            out.null()
        }
        out.member("ownerEpoch", task.ownerEpoch)
        out.member("epoch", task.epoch)
        out.member("lastCommit", task.lastCommit.map(\.text))
        out.member("streamTime", task.streamTime.map(\.text))
        out.member("lagRecords", records)
        seconds("lagSeconds", behind, into: &out)
        out.key("offsets")
        out.beginArray()
        for topic in topics {
            out.beginObject()
            out.member("topic", topic.name)
            out.member("next", topic.next?.raw)
            out.member("end", topic.end?.raw)
            out.member("lag", topic.lag)
            out.endObject()
        }
        out.endArray()
        out.key("counters")
        out.beginObject()
        for counter in task.counters.named { out.member(counter.name, counter.value) }
        out.endObject()
        out.endObject()
    }

    private static func seconds(_ name: String, _ value: Double?, into out: inout JSONOutput) {
        out.key(name)
        if let value { out.number(value) } else { out.null() }
    }
}
