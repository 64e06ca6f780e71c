import EgizTopologyFile

/// The JSON Schema of test files, for editors.
public enum TopologyTestSchema {
    /// As `Schemas/topology-test.schema.json` holds it.
    public static var json: String {
        JSONText.object([
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("$id", .string("https://digital-egiz.dev/schemas/topology-test.schema.json")),
            ("title", .string("Digital Egiz topology test")),
            (
                "allOf",
                .array([
                    TopologySchema.object(TestVocabulary.root, "Tests of a topology. Generated; do not edit.", root)
                ])
            ),
        ]).text
    }

    private static var root: [String: JSONText] {
        let test = TopologySchema.object(TestVocabulary.test, "A test.", ["steps": list(step)])
        return ["tests": list(test), "types": types]
    }

    private static var types: JSONText {
        map(
            of: TopologySchema.object(
                TestVocabulary.type, "A type.",
                ["schema": type("object"), "alertRules": list(type("object")), "things": list(type("string"))]))
    }

    private static var step: JSONText {
        let record = TopologySchema.object(
            TestVocabulary.record, "A record.",
            [
                "key": anyOf(
                    [type("string"), type("null")], "The key; the thing that the value names where left out."),
                "repeat": anyOf(
                    [type("integer"), TopologySchema.object(TestVocabulary.repetition, "From a number to another.")],
                    "The record is pushed so often."),
            ])
        let words: [String: JSONText] = [
            "given": anyOf([record, list(record)], "Records that are pushed into topics."),
            "clock": TopologySchema.object(TestVocabulary.clock, "Stream time goes on, as at the end of a quiet log."),
            "fault": anyOf(
                [
                    .object([("enum", .array(TestVocabulary.faults.map { .string($0) }))]),
                    TopologySchema.object(TestVocabulary.fault, "One of them."),
                ], "Something goes wrong."),
            "model": TopologySchema.object(
                TestVocabulary.model, "What models answer from now on.", ["answers": list(.object([]))]),
            "types": types,
            "redrive": anyOf(
                [
                    .object([("enum", .array([.string("retry"), .string("discard")]))]),
                    TopologySchema.object(TestVocabulary.redrive, "Which, and how."),
                ], "Dead letters are tried again, or dropped."),
            "edit": TopologySchema.object(TestVocabulary.edit, "The value of a dead letter is mended."),
            "alert": TopologySchema.object(TestVocabulary.alertAction, "Somebody acknowledges or clears an alert."),
            "expect": expect,
        ]
        return TopologySchema.object(TestVocabulary.step, "A step: one word.", words)
    }

    private static var expect: JSONText {
        func rows(_ words: [Word], _ what: String) -> JSONText {
            list(anyOf([TopologySchema.object(words, what, [:]), .object([("const", .string("..."))])], what))
        }
        let samples = list(
            anyOf(
                [
                    TopologySchema.object(TestVocabulary.sample, "A sample."),
                    .object([("not", type("object"))]),
                ], "A sample, or its value."))
        return TopologySchema.object(
            TestVocabulary.expect, "What is there now, as a reader sees it.",
            [
                "twins": map(of: anyOf([type("object"), type("string")], "The document, `absent` or `...`.")),
                "samples": map(of: map(of: samples)),
                "rollups": rows(TestVocabulary.rollup, "A window."),
                "scene": rows(TestVocabulary.scene, "A property."),
                "alerts": rows(TestVocabulary.alert, "An alert."),
                "predictions": rows(TestVocabulary.prediction, "What a model says."),
                "emitted": map(of: rows(TestVocabulary.output, "An emitted record.")),
                "delivered": rows(TestVocabulary.delivery, "A delivery."),
                "deadLetters": rows(TestVocabulary.deadLetter, "A dead letter."),
                "counters": map(of: type("integer")),
                "parked": list(type("string")),
            ])
    }

    private static func type(_ name: String) -> JSONText { .object([("type", .string(name))]) }

    private static func list(_ item: JSONText) -> JSONText {
        .object([("type", .string("array")), ("items", item)])
    }

    private static func map(of value: JSONText) -> JSONText {
        .object([("type", .string("object")), ("additionalProperties", value)])
    }

    private static func anyOf(_ choices: [JSONText], _ summary: String) -> JSONText {
        .object([("description", .string(summary)), ("anyOf", .array(choices))])
    }
}
