import EgizCore
import EgizTesting
import EgizTopologyFile

/// All words of a test file.
enum TestVocabulary {
    static let apiVersion = "egiz/v1"
    static let kind = "TopologyTest"
    /// A thousand years, in milliseconds: sums of it and any time fit.
    private static let longest: Int64 = 365_000 * 86_400_000
    static let epochs = TopologyDriver.Epochs.allCases.map(\.rawValue)

    static let root = [
        Word("apiVersion", .choice([apiVersion]), required: true, "The version of this language."),
        Word("kind", .choice([kind]), required: true, "What the file describes."),
        Word(
            "topology", .text, "The topology file, from this file's folder; `x.yaml` for `x.test.yaml` where left out."),
        Word("epochs", .choice(epochs), default: "eachRecord", "When work is committed, for tests that do not say so."),
        Word("partitions", .int(1...10_000), default: "1", "Partitions of topics that declare none."),
        Word("types", .section("a map of types"), "What the registry says of types of twins when each test begins."),
        Word("environment", .values, "Environment variables that processors read, by name: secrets, tokens."),
        Word("tests", .section("a list of tests"), required: true, "The tests; each begins with nothing."),
    ]

    static let test = [
        Word("name", .text, required: true, "A sentence about behaviour."),
        Word(
            "epochs", .choice(epochs),
            "`eachRecord` commits after every record, `explicit` only where a step says `commit: true`."),
        Word("steps", .section("a list of steps"), required: true, "What happens, in this order."),
    ]

    static let step = [
        Word("given", .section("a record or a list of records"), "Records that are pushed into topics."),
        Word("clock", .section("a map with `advance` or `to`"), "Stream time goes on, as at the end of a quiet log."),
        Word("fault", .section("a fault"), "Something goes wrong."),
        Word("model", .section("a map"), "What models answer from now on."),
        Word(
            "types", .section("a map of types"),
            "The registry says this of types of twins from here on, and nothing else."),
        Word("commit", .bool, "The open epochs are committed."),
        Word("redrive", .section("a map"), "Dead letters are tried again, or dropped."),
        Word("edit", .section("a map"), "The value of a dead letter is mended."),
        Word("alert", .section("a map"), "Somebody acknowledges or clears an alert."),
        Word("expect", .section("a map of what is expected"), "What is there now, as a reader sees it."),
    ]

    static let value = [
        Word("value", .section("a value"), "The value, written as JSON."),
        Word("text", .text, "The value as text, also text that is no JSON."),
        Word("base64", .text, "The value as bytes."),
    ]

    static let record =
        [
            Word("topic", .topicName, required: true, "The topic; some source reads it."),
            Word("key", .section("a text or null"), "The key; the thing that the value names where left out."),
            Word("partition", .int(0...10_000), "The partition; where Kafka would put the key where left out."),
            Word("at", .text, "The time of the record in the log, RFC 3339."),
            Word("headers", .values, "Headers, by name."),
        ] + value + [
            Word("tombstone", .bool, "The record has no value."),
            Word("repeat", .section("a number or a map with `to`"), "The record is pushed so often."),
        ]

    static let repetition = [
        Word("from", .int(0...1_000_000), default: "1", "The first number."),
        Word("to", .int(0...1_000_000), required: true, "The last number."),
        Word("every", .duration(0...longest), default: "0s", "What `at` grows by each time."),
    ]

    static let clock = [
        Word("advance", .duration(1...longest), "By so much, in every task that has a stream time."),
        Word("to", .text, "To this time, RFC 3339."),
    ]

    static let type = [
        Word("parent", .text, "The type that it descends from."),
        Word(
            "policy", .choice(policies),
            "What becomes of events that break the schema; as the parent says where left out."),
        Word("schema", .section("a map"), "The JSON Schema of the features of its twins."),
        Word("alertRules", .section("a list of rules"), "Alert rules, in the words of a topology."),
        Word("things", .section("a list of thing ids"), "Things that are registered as of this type."),
    ]

    static let policies = ["accept", "flag", "reject"]

    static let faults =
        ["crash", "rebalance", "postgres-away", "answer-lost", "data-error", "bad-json"] + worldFaults

    /// Faults of those that a topology asks: models, and receivers of webhooks.
    static let worldFaults = [
        "model-status", "model-away", "model-slow", "model-text", "receiver-status", "receiver-away", "receiver-slow",
    ]

    static let model = [
        Word("version", .text, default: "1", "The version that it says it has."),
        Word(
            "answers", .section("a list of predictions"), required: true,
            "What it says, question by question; the last one to all further questions."),
    ]

    static let fault = [
        Word("crash", .bool, "Uncommitted work is lost, its records are read again."),
        Word("rebalance", .bool, "Tasks are committed, released and taken over with empty caches."),
        Word("postgres-away", .int(1...100), "So many commits fail before anything is written."),
        Word("answer-lost", .int(1...100), "So many commits land, and their answers are lost."),
        Word("data-error", .text, "Postgres refuses every epoch with a sample of this text."),
        Word("bad-json", .topicName, "A record that is no JSON comes to this topic."),
        Word("model-status", .int(100...599), "The next call of a model is answered with this status."),
        Word("model-away", .int(1...100), "So many calls find nobody there."),
        Word("model-slow", .int(1...100), "So many calls get no answer in time."),
        Word("model-text", .text, "The next call of a model is answered with this text."),
        Word("receiver-status", .int(100...599), "The next delivery of a webhook is answered with this status."),
        Word("receiver-away", .int(1...100), "So many deliveries find nobody there."),
        Word("receiver-slow", .int(1...100), "So many deliveries get no answer in time."),
    ]

    static let redrive = [
        Word("action", .choice(["retry", "discard"]), default: "retry", "Try them again, or drop them."),
        Word("thing", .text, "Only those parked of this thing."),
    ]

    static let alertAction = [
        Word("action", .choice(["acknowledge", "clear"]), required: true, "What is done."),
        Word("processor", .name, required: true, "The processor of the alert."),
        Word("thing", .text, required: true, "The thing."), Word("key", .text, required: true, "The alert's key."),
        Word("by", .text, "Who does it."),
    ]

    static let edit =
        [
            Word("topic", .topicName, required: true, "Where the record came from."),
            Word("partition", .int(0...10_000), "Its partition; may be left out for a topic of one."),
            Word("offset", .int(0...Int64.max), required: true, "Its offset."),
        ] + value

    static let expect = [
        Word("partial", .bool, default: "false", "Maps may hold more than is named."),
        Word("twins", .section("a map of thing ids to documents"), "Twins: the document, or `absent`."),
        Word("samples", .section("a map of thing ids to paths to lists"), "History, by thing and path."),
        Word("rollups", .section("a list"), "All windows, by thing, path, processor and start."),
        Word("scene", .section("a list"), "All properties of scenes, by thing, object and target."),
        Word("alerts", .section("a list"), "All alerts, by thing, key and time of raising."),
        Word("predictions", .section("a list"), "What models say, by thing, task, model and shadow."),
        Word("emitted", .section("a map of topics to lists"), "All records emitted to each topic."),
        Word("delivered", .section("a list"), "All deliveries of webhooks in their order, each try by itself."),
        Word("deadLetters", .section("a list"), "All dead letters, in the order in which they were written."),
        Word("counters", .section("a map of names to numbers"), "Counters, summed over all tasks."),
        Word("parked", .section("a list of thing ids"), "All things that have parked records."),
    ]

    static let sample = [
        Word("at", .text, "Event time."), Word("value", .section("a value"), "The value."),
        Word("absent", .bool, "The path ceased to exist."),
    ]

    static let rollup = [
        Word("processor", .text, "The processor."), Word("thing", .text, "The thing."),
        Word("path", .text, "The path."),
        Word("start", .text, "The window's start."), Word("end", .text, "The window's end."),
        Word("count", .section("a number"), "Samples."), Word("min", .section("a number"), "The least."),
        Word("max", .section("a number"), "The greatest."), Word("sum", .section("a number"), "The sum."),
        Word("avg", .section("a number"), "The average."), Word("first", .section("a number"), "The first by time."),
        Word("last", .section("a number"), "The last by time."), Word("final", .bool, "The window is closed."),
    ]

    static let scene = [
        Word("thing", .text, "The thing."), Word("object", .text, "The object of the model."),
        Word("target", .text, "What of it."), Word("value", .section("a value"), "The value."),
        Word("revision", .int(0...Int64.max), "The thing's revision."), Word("at", .text, "Event time of the change."),
        Word("offset", .section("a number or null"), "The record that changed it; null: a change of the bindings."),
    ]

    static let alert = [
        Word("processor", .text, "The processor."), Word("thing", .text, "The thing."),
        Word("key", .text, "What distinguishes the alerts of a thing."), Word("rule", .text, "The rule that speaks."),
        Word("severity", .choice(AlertRow.Severity.allCases.map(\.name)), "How bad it is."),
        Word("state", .choice(["raised", "acknowledged", "cleared"]), "Where in its life it is."),
        Word("message", .text, "What it says."), Word("raised", .text, "When it was raised."),
        Word("acknowledged", .section("a time or null"), "When it was acknowledged."),
        Word("by", .section("a text or null"), "Who acknowledged it."),
        Word("cleared", .section("a time or null"), "When it was cleared."),
        Word("offset", .section("a number or null"), "The record of the last change; null: a timer or a person."),
    ]

    static let prediction = [
        Word("thing", .text, "The thing."), Word("task", .text, "The task."), Word("model", .text, "The model."),
        Word("shadow", .bool, "Of a model beside the first."),
        Word("version", .section("a text or null"), "Its version."),
        Word("score", .section("a number or null"), "The score."),
        Word("label", .section("a text or null"), "The label."),
        Word("details", .section("a value"), "The details."),
        Word("error", .section("a text or null"), "The error's code."),
        Word("revision", .int(0...Int64.max), "The thing's revision."),
        Word("at", .text, "Event time of the question."),
        Word("offset", .section("a number or null"), "The record that made the thing what was asked about."),
    ]

    static let output = [
        Word("key", .section("a text or null"), "The key."), Word("value", .section("a value"), "The value."),
        Word("headers", .section("a map of names to texts"), "Headers."), Word("id", .text, "The header egiz-id."),
        Word("at", .text, "The record's time."),
    ]

    static let delivery = [
        Word("url", .text, "Where it went."), Word("value", .section("a value"), "The body."),
        Word("headers", .section("a map of names to texts"), "Headers, as they were sent."),
    ]

    static let deadLetter = [
        Word("code", .text, "The reason."), Word("topic", .text, "The topic."),
        Word("partition", .int(0...10_000), "The partition."), Word("offset", .int(0...Int64.max), "The offset."),
        Word("thing", .section("a text or null"), "The thing."),
        Word("disposition", .choice(["dead", "parked"]), "What it does to others."),
        Word("processor", .section("a text or null"), "Who refused it."),
        Word("attempts", .int(0...Int64.max), "How often it was tried."),
        Word("message", .text, "Why."),
    ]
}
