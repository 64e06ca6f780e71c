public import EgizCore

/// The kind `twin-projector`: folds the events of a source into twins and derives the changes that all others process.
///
/// The fold itself is `EgizTwin.Twin`; the step of a task runs it first, because every later processor needs its change. With `to` a
/// `TwinPublisher` tells of the changes.
public enum TwinProjector {
    public static let spec = KindSpec(
        kind: "twin-projector",
        summary: """
            Folds Ditto events or telemetry into twins, keeps each twin as one row of the projection `twin`, and passes \
            on what each event changed.
            """,
        input: .events,
        output: .changes,
        projections: ["twin"],
        fields: [
            .init(
                "to", .topic,
                "A topic for what each event changed, key: the thing id; `Schemas/twin.v1.schema.json`. Live push reads it from `framework.notifications.v1.twin`."
            )
        ],
        metrics: [
            .init("applied", "events that were folded into their twin"),
            .init("duplicate", "events that had been folded before"),
            .init("stale", "events that are older than their twin"),
            .init("orphan", "Ditto events of things whose `created` was never seen"),
            .init("missed", "revisions that never came, before an event with a higher one"),
            .init("keyMismatch", "records whose key is not their thing id"),
            .init("emitted", "records to Kafka, of all processors of the task"),
        ],
        messages: ["to": "twin.v1.schema.json"],
        example: "twins: { kind: twin-projector, from: twin-events, to: framework.notifications.v1.twin }")
}
