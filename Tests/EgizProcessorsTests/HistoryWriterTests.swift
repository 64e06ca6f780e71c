import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

@Suite struct HistoryWriterTests {
    private func paths(_ topology: Topology) throws -> [String] {
        let line = TopologyDriver(topology: topology, registry: .builtin)
        try line.send(
            "events", key: "t:a",
            value: #"{"thingId":"t:a","timestamp":1,"features":{"f":{"x":1,"y":{"z":2}},"g":{"x":3}}}"#)
        return line.store.allSeries.map(\.path).sorted()
    }

    @Test func everyLeafIsRecordedByDefault() throws {
        #expect(
            try paths(.testing()) == [
                "/features/f/properties/x", "/features/f/properties/y/z", "/features/g/properties/x",
            ])
    }

    @Test func onlyIncludedPathsAreRecorded() throws {
        #expect(
            try paths(.testing(include: ["/features/*/properties/x"])) == [
                "/features/f/properties/x", "/features/g/properties/x",
            ])
    }

    @Test func excludedPathsAreLeftOutAlthoughIncluded() throws {
        #expect(try paths(.testing(exclude: ["/features/f/**"])) == ["/features/g/properties/x"])
        #expect(try paths(.testing(include: [])) == [])
    }

    @Test func onlyChangesLeavesRepeatedValuesOut() throws {
        let values = ["1", "1", "2", "2", "1", "null", "1"]
        func numbers(_ topology: Topology) throws -> [MemorySample] {
            let line = TopologyDriver(topology: topology, registry: .builtin)
            for (index, value) in values.enumerated() {
                try line.send(
                    "events", key: "t:a",
                    value: #"{"thingId":"t:a","timestamp":\#(index),"features":{"f":{"x":\#(value)}}}"#)
            }
            return line.samples("t:a", "/features/f/properties/x")
        }
        #expect(try numbers(.testing(onlyChanges: true)).map(\.time) == [0, 2000, 4000, 5000, 6000])
        #expect(try numbers(.testing()).count == values.count)
    }

    @Test func settingsOfTheWrongTypeAreRefusedWithTheirPlace() {
        var definition = ProcessorDefinition.historyWriter()
        let mark = SourceMark(line: 7, column: 3)
        definition.settings["include"] = ConfigValue(.list([ConfigValue(.string("no slash"), at: mark)]), at: mark)
        #expect {
            _ = try HistoryWriter(definition)
        } throws: { error in
            (error as? TopologyFaults)?.faults.map(\.mark) == [mark]
        }
        definition.settings["include"] = ConfigValue(.bool(true), at: mark)
        #expect(throws: TopologyFaults.self) { _ = try HistoryWriter(definition) }
        #expect(ProcessorRegistry.builtin["history-writer"] != nil)
        #expect(ProcessorRegistry.builtin["twin-projector"]?.mayRefuse == false)
        #expect(ProcessorRegistry.builtin["none"] == nil)
    }
}
