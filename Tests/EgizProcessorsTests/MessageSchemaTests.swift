import EgizProcessors
import EgizCore
import EgizTesting
import EgizTwin
import TestSupport
import Testing

/// Every record that rules emit is as its schema in `Schemas/` says.
@Suite struct MessageSchemaTests {
    @Test func recordsOfBindingsAreAsTheirSchemaSays() throws {
        let schema = try JSONSchema("binding.v1.schema.json")
        let line = try RuleLine(
            "binding-evaluator",
            """
            {"to":"out","bindings":[
              {"objectName":"O","target":"text","path":"features.f.x"},
              {"objectName":"P","target":"position","path":"features.f.y","range":{"in":[0,1],"out":[[0,0,0],[1,1,1]]}},
              {"objectName":"Q","target":"visibility","expression":"exists(features.f.y)"},
              {"objectName":"R","target":"material.opacity","path":"features.f.y"}]}
            """)
        try line.send(1, #""x":1,"y":0.5"#)
        try line.send(2, #""x":{}"#)
        let records = line.emitted("out")
        #expect(records.count == 5)
        for record in records { #expect(schema.faults(.object(record)) == []) }
        #expect(records.contains { $0["value"] == .null })
        #expect(schema.faults(.object(JSONObject())).count == 6, "the schema asks for something")
    }

    @Test func recordsOfAlertsAreAsTheirSchemaSays() throws {
        let schema = try JSONSchema("alert.v1.schema.json")
        let line = try RuleLine(
            "alert-rule",
            """
            {"to":"out","rules":[
              {"name":"warm","key":"heat","when":"features.f.x > 1","message":"m"},
              {"name":"hot","key":"heat","when":"features.f.x > 2","severity":"critical","message":"m"},
              {"name":"silent","noData":30000,"message":"m"}]}
            """)
        try line.send(1, #""x":2"#)
        try line.send(2, #""x":3"#)
        try line.driver.send(
            "acknowledge", to: "rules", thing: try ThingID(validating: "t:a"), subject: "heat", by: "jo")
        try line.driver.send("clear", to: "rules", thing: try ThingID(validating: "t:a"), subject: "heat", by: "jo")
        try line.clock(60)
        let records = line.emitted("out")
        #expect(records.map { $0["event"]?.string } == ["raised", "updated", "acknowledged", "cleared", "raised"])
        for record in records { #expect(schema.faults(.object(record)) == []) }
        #expect(records.last?["cause"] == nil)
    }

    /// `RuleLine.emitted` and the runs of test files hold every record to its schema; this shows that they would notice.
    @Test func aRecordThatIsNotAsItsSchemaSaysIsNoticed() throws {
        let line = try RuleLine([
            .init("m", "rollup", #"{"interval":1000,"grace":0,"to":"closed","lateTo":"late"}"#),
            .init("e", "export", #"{"to":"samples"}"#), .init("t", "map", #"{"to":"mapped"}"#),
        ])
        try line.send(1, #""x":1"#)
        try line.send(9, #""x":2"#)
        try line.send(1, #""x":3"#)
        #expect(Set(line.driver.emitted.map(\.topic)) == ["closed", "late", "samples", "mapped"])
        let check = try MessageCheck(line.driver.topology, .builtin)
        #expect(check.faults(line.driver.emitted) == [])
        for record in line.driver.emitted {
            var wrong = record
            wrong.value = Array(#"{"thingId":7}"#.utf8)
            #expect(!check.faults([wrong]).isEmpty, "\(record.topic)")
            wrong.value = Array("{".utf8)
            #expect(check.faults([wrong]).count == 1)
            wrong.topic = "unheard-of"
            #expect(check.faults([wrong]) == ["unheard-of \(record.id): no schema describes it"])
            wrong.topic = "x.dlq"
            #expect(check.faults([wrong]).count == 10)
        }
    }

    /// A question asked in several ways, one that the model refuses, and a shadow.
    private func models() throws -> ModelLine {
        let line = try ModelLine(
            fanOut:
                #"{"task":"t","model":"m","trigger":"event","writeTo":"/features/ml","features":[{"name":"x","path":"features.f.x"},{"name":"flow","path":"features.f.y","value":"raw","window":12000,"missing":"default","default":[]}]}"#,
            caller: #"{"endpoint":"http://model","model":"m","version":"1.0.0","shadow":{"model":"next"}}"#)
        try line.send(1, #""x":1"#)
        try line.send(2, #""x":2,"y":0.5"#)
        try line.send(3, #""x":"text","y":[1]"#)
        line.endpoint.answer { _ in .response(CallResponse(status: 404)) }
        try line.send(4, #""x":4"#)
        return line
    }

    @Test func questionsToModelsAreAsTheirSchemaSays() throws {
        let schema = try JSONSchema("ml-input.v1.schema.json")
        let questions = try models().questions
        #expect(questions.count == 4)
        for question in questions { #expect(schema.faults(.object(question)) == []) }
        #expect(schema.faults(.object(JSONObject())).count == 5, "the schema asks for something")
    }

    @Test func answersOfModelsAreAsTheirSchemaSays() throws {
        let schema = try JSONSchema("ml-output.v1.schema.json")
        let answers = try models().answers
        #expect(answers.count == 8 && answers.contains { $0["error"] != nil })
        for answer in answers { #expect(schema.faults(.object(answer)) == []) }
    }

    @Test(arguments: [("egiz", "predict-request"), ("egiz-single", "predict-single-request")])
    func callsToModelsAreAsTheirSchemaSays(_ name: String, _ file: String) throws {
        let schema = try JSONSchema("\(file).v1.schema.json")
        let line = try ModelLine(
            caller: #"{"endpoint":"http://model","model":"m","version":"1.0.0","protocol":"\#(name)"}"#)
        try line.send(1, #""x":1"#)
        let body = try #require(line.endpoint.requests.first?.body)
        #expect(schema.faults(try JSONParser().parse(body)) == [])
    }
}
