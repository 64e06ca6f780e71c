/// A table as a state file holds it: rows of columns in Postgres' binary form, which is the same in all its versions. The
/// stage is the first column of each.
struct ArchiveTable: Sendable {
    /// The byte that stands before each of its rows.
    var tag: UInt8
    var name: String
    var columns: [String]
    /// Which rows of a stage belong to it.
    var condition = "true"
    var order: String
    /// Where the import copies to; nil: the table itself.
    var target: String?

    /// As files of that version of the format hold them, in their order.
    static func tables(of version: UInt8) -> [ArchiveTable] {
        guard version < 2 else { return all }
        // Who set a property of a scene was not known then, and what models say was no part of the file.
        return all.filter { $0.name != "ml_prediction" }.map { table in
            var table = table
            if table.name == "scene" { table.columns.removeAll { $0 == "processor" } }
            return table
        }
    }

    /// In the order in which they stand in the file.
    static let all = [
        ArchiveTable(
            tag: UInt8(ascii: "T"), name: "twin",
            columns: [
                "stage", "thing_id", "partition", "revision", "definition", "created", "modified", "event_timestamp",
                "input_topic", "input_partition", "input_offset", "updated_at", "document",
            ], order: "thing_id"),
        ArchiveTable(
            tag: UInt8(ascii: "S"), name: "state",
            columns: ["stage", "processor", "thing_id", "partition", "value", "updated_at"],
            order: "stage, processor, thing_id"),
        ArchiveTable(
            tag: UInt8(ascii: "M"), name: "timer", columns: ["stage", "partition", "due", "processor", "thing_id"],
            order: "stage, partition, due, processor, thing_id"),
        ArchiveTable(
            tag: UInt8(ascii: "C"), name: "scene",
            columns: [
                "stage", "partition", "thing_id", "object_name", "target", "value", "revision", "event_time",
                "cause_topic", "cause_partition", "cause_offset", "updated_at", "processor",
            ], order: "thing_id, object_name, target"),
        // Without its identity, which the database gives it anew.
        ArchiveTable(
            tag: UInt8(ascii: "A"), name: "alert",
            columns: [
                "stage", "partition", "processor", "thing_id", "alert_key", "rule", "severity", "state", "message",
                "raised_at", "updated_at", "acknowledged_at", "acknowledged_by", "cleared_at", "revision",
                "cause_topic",
                "cause_partition", "cause_offset",
            ], order: "thing_id, alert_key, raised_at, processor"),
        ArchiveTable(
            tag: UInt8(ascii: "L"), name: "ml_prediction",
            columns: [
                "stage", "partition", "thing_id", "task", "model", "shadow", "model_version", "score", "label",
                "details",
                "error", "revision", "event_time", "input_topic", "input_partition", "input_offset", "output_topic",
                "output_partition", "output_offset", "latency_ms", "updated_at",
            ], order: "thing_id, task, model, shadow"),
        ArchiveTable(
            tag: UInt8(ascii: "P"), name: "dead_letter",
            columns: [
                "stage", "topic", "partition", "incarnation", "offset", "record_time", "key", "value", "headers",
                "code",
                "message", "thing_id", "processor", "noted_at", "disposition", "attempts", "edited_value", "edited_at",
                "edited_by",
            ], condition: "disposition = 'parked'", order: "dead_letter_id"),
        ArchiveTable(
            tag: UInt8(ascii: "K"), name: "task",
            columns: [
                "stage", "partition", "epoch", "incarnation", "stream_time", "counters", "topology_version",
                "log_cluster_id", "log_embedded",
            ], order: "stage, partition", target: "egiz_import_task"),
        ArchiveTable(
            tag: UInt8(ascii: "O"), name: "task_offset",
            columns: [
                "stage", "partition", "topic", "next_offset", "mark_offset", "mark_time", "mark_crc", "updated_at",
            ], order: "stage, partition, topic"),
        ArchiveTable(
            tag: UInt8(ascii: "B"), name: "outbox",
            columns: ["stage", "partition", "epoch", "incarnation", "records", "bytes", "body", "created_at"],
            order: "stage, partition, epoch"),
    ]

    /// The tables that hold state, the last first, as they must be emptied.
    static var emptied: [ArchiveTable] { all.reversed().filter { $0.name != "task" } }

    var columnList: String { columns.map { "\"\($0)\"" }.joined(separator: ", ") }
}
