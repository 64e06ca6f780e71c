import EgizCore
import EgizRuntime
import EgizTwin

/// Plans of deployments, and what became of them, as JSON.
enum PlanText {
    static func json(_ result: Deployer.Result) -> [UInt8] {
        var out = JSONOutput(capacity: 1024)
        write(result, into: &out)
        return out.bytes
    }

    static func write(_ result: Deployer.Result, into out: inout JSONOutput) {
        let plan = result.plan
        out.beginObject()
        out.member("topology", plan.topology)
        out.member("outcome", result.outcome.rawValue)
        out.member("version", result.version)
        out.member("state", result.state.rawValue)
        out.key("stages")
        out.beginArray()
        for stage in plan.stages { write(stage, into: &out) }
        out.endArray()
        texts("removedStages", plan.removedStages.map(\.text), into: &out)
        texts("notes", plan.notes, into: &out)
        texts("refusals", plan.refusals, into: &out)
        out.endObject()
    }

    private static func write(_ stage: DeploymentPlan.Stage, into out: inout JSONOutput) {
        out.beginObject()
        out.member("name", stage.name.text)
        let start =
            switch stage.start {
            case .keeps: "keeps"
            case .startsAt: "startsAt"
            case .new: "new"
            }
        out.member("start", start)
        out.key("positions")
        out.beginArray()
        for (partition, next) in stage.positions.sorted(by: { $0.key < $1.key }) {
            out.beginObject()
            out.member("topic", partition.topic)
            out.member("partition", partition.partition)
            out.member("offset", next.raw)
            out.endObject()
        }
        out.endArray()
        texts("newTopics", stage.newTopics, into: &out)
        texts("newProcessors", stage.newProcessors.map(\.name), into: &out)
        texts("removedProcessors", stage.removedProcessors, into: &out)
        out.endObject()
    }

    static func texts(_ name: String, _ texts: [String], into out: inout JSONOutput) {
        out.key(name)
        out.beginArray()
        for text in texts { out.string(text) }
        out.endArray()
    }

    /// What a text is: whether it is valid, and every fault with its place.
    static func json(_ loaded: RehearsalSetup.Loaded) -> [UInt8] {
        var out = JSONOutput(capacity: 512)
        out.beginObject()
        out.key("valid")
        out.bool(loaded.topology != nil)
        out.member("topology", loaded.topology?.name)
        out.key("faults")
        out.beginArray()
        for fault in loaded.faults {
            out.beginObject()
            out.member("severity", fault.severity.rawValue)
            out.member("line", fault.mark.line)
            out.member("column", fault.mark.column)
            out.member("message", fault.message)
            out.endObject()
        }
        out.endArray()
        texts("unset", loaded.unset, into: &out)
        out.endObject()
        return out.bytes
    }
}
