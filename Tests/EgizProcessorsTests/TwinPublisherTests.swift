import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

/// The projector's `to`: whoever applies the records has the twin.
@Suite struct TwinPublisherTests {
    private func driver(
        to topic: String? = "changes", format: RecordFormat = .ditto, further: [ProcessorDefinition] = []
    ) -> TopologyDriver {
        var topology = Topology.testing(format: format, further: further)
        if let topic {
            topology.processors[0].settings["to"] = ConfigValue(.string(topic), at: RuleLine.mark)
        }
        return TopologyDriver(topology: topology, registry: .builtin, epochs: .eachRecord)
    }

    private func records(_ driver: TopologyDriver) throws -> [JSONObject] {
        try driver.emitted.filter { $0.topic == "changes" }.map { record in
            try #require(try JSONParser().parse(record.value ?? []).object)
        }
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func whoeverAppliesTheRecordsHasTheDocument(seed: UInt64) throws {
        var events = RandomEvents(random: SeededGenerator(seed: seed))
        let driver = driver()
        let schema = try JSONSchema("twin.v1.schema.json")
        var copy = TwinCopy()
        var told = 0
        for revision in 1...60 as ClosedRange<Int64> {
            var (path, value) = events.target()
            var action = events.pick(["created", "modified", "merged", "merged", "deleted"])
            if driver.twin(RandomEvents.thing) == nil { (action, path, value) = ("created", [], events.whole()) }
            if path.isEmpty, action == "deleted", !events.chance(20) { action = "modified" }
            try driver.send(
                "events", key: RandomEvents.thing, value: RandomEvents.record(action, path, value, revision),
                at: EventTime(microseconds: revision * 1_000_000))
            let records = try records(driver)
            for record in records.dropFirst(told) {
                #expect(schema.faults(.object(record)) == [])
                try copy.apply(record)
            }
            told = records.count
            let document = try driver.twin(RandomEvents.thing).map { try JSONParser().parse(Array($0.utf8)) }
            #expect(TwinCopy.isSame(copy.document, document?.object), "seed \(seed), \(action) \(path) \(value)")
        }
        #expect(told > 40)
    }

    private func event(_ driver: TopologyDriver, _ revision: Int, _ action: String, _ path: String, _ value: String?)
        throws
    {
        let body = value.map { #","value":\#($0)"# } ?? ""
        try driver.send(
            "events", key: "t:a",
            value:
                #"{"topic":"t/a/things/twin/events/\#(action)","path":"\#(path)"\#(body),"revision":\#(revision),"timestamp":"1970-01-01T00:00:0\#(revision)Z"}"#,
            at: EventTime(microseconds: Int64(revision) * 1_000_000))
    }

    private func changes(_ driver: TopologyDriver) throws -> [String] {
        try records(driver).map { record in
            "\(record["change"]?.string ?? "-") \(record["revision"]?.text ?? "-") \(record["changes"]?.text ?? "-")"
        }
    }

    @Test func removalsNameTheHighestPartThatIsGone() throws {
        let driver = driver()
        try event(
            driver, 1, "created", "/", #"{"thingId":"t:a","features":{"f":{"properties":{"x":1,"y":{"z":2}}},"g":{}}}"#)
        try event(driver, 2, "deleted", "/features/f/properties/y/z", nil)
        try event(driver, 3, "deleted", "/features/f", nil)
        try event(driver, 4, "modified", "/attributes", #"{"a":{"b":1}}"#)
        try event(driver, 5, "modified", "/attributes/a", "7")
        try event(driver, 6, "modified", "/attributes/a", #"{"c":null}"#)
        try event(driver, 7, "deleted", "/", nil)
        #expect(
            try changes(driver) == [
                #"created 1 [{"path":"/features/g","value":{}},{"path":"/features/f/properties/x","value":1},{"path":"/features/f/properties/y/z","value":2}]"#,
                #"changed 2 [{"path":"/features/f/properties/y/z","removed":true}]"#,
                #"changed 3 [{"path":"/features/f","removed":true}]"#,
                #"changed 4 [{"path":"/attributes/a/b","value":1}]"#,
                #"changed 5 [{"path":"/attributes/a/b","removed":true},{"path":"/attributes/a","value":7}]"#,
                #"changed 6 [{"path":"/attributes/a","removed":true},{"path":"/attributes/a/c","value":null}]"#,
                "deleted 7 []",
            ])
        #expect(try records(driver).last?["cause"]?.text == #"{"topic":"events","partition":0,"offset":6}"#)
        #expect(driver.emitted.allSatisfy { $0.key == Array("t:a".utf8) })
    }

    @Test func whatWasThereBeforeIsNoChangeAndTheRevisionIsToldAllTheSame() throws {
        let driver = driver()
        try event(driver, 1, "created", "/", #"{"thingId":"t:a","attributes":{"a":1}}"#)
        try event(driver, 2, "modified", "/attributes/a", "1")
        #expect(try changes(driver).last == "changed 2 []")
    }

    @Test func staleEventsAreNotTold() throws {
        let driver = driver()
        try event(driver, 2, "created", "/", #"{"thingId":"t:a"}"#)
        try event(driver, 1, "modified", "/attributes/a", "1")
        #expect(try changes(driver).count == 1)
    }

    @Test func aProjectorWithoutATopicTellsNothing() throws {
        let driver = driver(to: nil)
        try event(driver, 1, "created", "/", #"{"thingId":"t:a","attributes":{"a":1}}"#)
        #expect(driver.emitted.isEmpty)
    }

    /// A record beside others of the stage: the projector's own name is no processor that holds changes back.
    @Test func otherProcessorsSeeTheSameChanges() throws {
        let export = ProcessorDefinition(
            name: "export", kind: "export", from: "twins",
            settings: try RuleLine.settings(#"{"to":"samples","include":["/**"],"exclude":[],"onlyChanges":false}"#),
            mark: RuleLine.mark)
        let driver = driver(further: [export])
        try event(driver, 1, "created", "/", #"{"thingId":"t:a","attributes":{"a":1}}"#)
        #expect(driver.emitted.map(\.topic).sorted() == ["changes", "samples"])
        #expect(driver.samples("t:a", "/attributes/a").count == 1)
    }

    @Test func whatIsTooLargeToBeToldSaysSo() throws {
        let driver = driver()
        // Few bytes in the event, a long path for each leaf in the record.
        let name = String(repeating: "n", count: 400)
        let leaves = (0..<3000).map { #""\#($0)":1"# }.joined(separator: ",")
        try event(driver, 1, "created", "/", #"{"thingId":"t:a","attributes":{"\#(name)":{\#(leaves)}}}"#)
        let record = try #require(try records(driver).first)
        #expect(record["reload"] == .bool(true) && record["changes"]?.text == "[]")
        #expect(try JSONSchema("twin.v1.schema.json").faults(.object(record)) == [])
    }
}
