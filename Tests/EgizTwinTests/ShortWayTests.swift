import TestSupport
import Testing

@testable import EgizTwin

/// The short way of scalars must give what the long way gives, on whatever comes.
struct ShortWayTests {
    /// One twin folded the long way, and one that takes the short way wherever it is open.
    private final class Pair {
        let paths = PathTable()
        let decoder: RecordDecoder
        let index = ThingIndex()
        let long: Twin
        let short: Twin
        let key: [UInt8]
        /// Records that went the short way.
        var shorts = 0
        /// Texts that were made without their document.
        var templates = 0
        private var records = 0
        /// Of every path that was ever reported, as rules keep them.
        var places: [PathID: LeafPlace] = [:]

        init(_ thing: String) throws {
            decoder = RecordDecoder(paths: paths)
            long = Twin(thing: try ThingID(validating: thing))
            short = Twin(thing: long.thing)
            key = Array(thing.utf8)
            index.set(long.thing, to: 7)
        }

        func feed(_ record: [UInt8], _ format: RecordFormat = .ditto) {
            let time = EventTime(microseconds: 1_700_000_000_000_000)
            let (before, document) = (long.revision, long.document)
            let (expected, leaves) = record.withUnsafeBytes { fold($0, format, time, long) }
            records += 1
            let (outcome, reported) = PlacedBytes.with(record, endsPage: records % 16 == 0) {
                bytes -> (String, [LeafChange]) in
                let place = key.withUnsafeBytes {
                    decoder.scan(bytes, key: $0, format: format, recordTime: time, in: index)
                }
                guard place >= 0 else { return fold(bytes, format, time, short) }
                #expect(place == 7)
                let scan = decoder.scan
                switch short.write(scan) {
                case .unusual: return fold(bytes, format, time, short)
                case .duplicate:
                    shorts += 1
                    return ("duplicate", [])
                case .stale:
                    shorts += 1
                    return ("stale", [])
                case .applied(let missed):
                    shorts += 1
                    var change = ChangeBuffer()
                    short.report(scan, into: &change)
                    // What would be folded again must do the same to the twin of before.
                    let again = Twin(thing: long.thing)
                    again.life = .alive
                    again.revision = before
                    if case .object(let object) = document { again.state = ThingState(payload: object) }
                    again.state.created = long.state.created
                    var repeated = ChangeBuffer()
                    let event = short.event(of: scan)
                    #expect(event.time == scan.time)
                    _ = again.apply(event, paths: paths, into: &repeated)
                    #expect(again.document == long.document && repeated.leaves == change.leaves)
                    return ("applied \(missed) false \(scan.time)", change.leaves)
                }
            }
            let text = String(decoding: record, as: UTF8.self)
            #expect(outcome == expected, "\(text)")
            #expect(reported == leaves, "\(text)")
            #expect(reported.map(\.path) == leaves.map(\.path), "\(text)")
            #expect(short.timestamp == long.timestamp && short.revision == long.revision, "\(text)")
            for leaf in leaves where places[leaf.path] == nil {
                places[leaf.path] = LeafPlace(paths.segments(of: leaf.path))
            }
            // Before anybody looks at the document, which brings it up to date.
            for place in places.values {
                let found = short.scalar(at: place, in: paths)
                switch long.value(at: place.segments) {
                case .object: #expect(found?.object != nil, "\(place.segments) after \(text)")
                case let value: #expect(found == value, "\(place.segments) after \(text)")
                }
            }
            // Texts of a document that stays as it is are made without it; some, so that leaves are also written several times between.
            let expectedText = long.document?.text
            if records % 3 != 0 {
                let stored = short.snapshot().document.map { String(decoding: $0, as: UTF8.self) }
                #expect(stored == expectedText, "\(text)")
                if short.template != nil { templates += 1 }
            }
            if records % 2 == 0 { #expect(short.document?.text == expectedText, "\(text)") }
        }

        private func fold(
            _ bytes: UnsafeRawBufferPointer, _ format: RecordFormat, _ time: EventTime, _ twin: Twin
        ) -> (String, [LeafChange]) {
            switch decoder.decode(bytes, format: format, recordTime: time) {
            case .ignored(let reason): return (reason.rawValue, [])
            case .rejected(let rejection): return (rejection.message, [])
            case .event(let event):
                guard UTF8Text.equal(event.thing.text, twin.thing.text) else { return ("another thing", []) }
                var change = ChangeBuffer()
                switch twin.apply(event, paths: paths, into: &change) {
                case .ignored(let reason): return (reason.rawValue, [])
                case .rejected(let rejection): return (rejection.message, [])
                case .applied(let missed, let reset):
                    return ("applied \(missed) \(reset) \(event.time)", change.leaves)
                }
            }
        }
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func dittoEventsOfAllKindsGiveTheSameTwinAndLeaves(_ seed: UInt64) throws {
        var events = RandomEvents(random: SeededGenerator(seed: seed))
        let pair = try Pair(RandomEvents.thing)
        pair.feed(Array(RandomEvents.record("created", [], events.whole(), 1).utf8))
        var revision: Int64 = 1
        for _ in 0..<1000 {
            revision += events.pick([1, 1, 1, 1, 0, -1, 3])
            var record: [UInt8]
            if events.chance(85) {
                // Metadata closes the short way for the rest of the life.
                record = Array(leafRecord(&events, revision, metadata: seed % 5 == 0).utf8)
            } else {
                let (path, value) = events.target()
                let action = events.pick(
                    path.isEmpty ? ["modified", "merged"] : ["created", "modified", "merged", "deleted"])
                record = Array(RandomEvents.record(action, path, value, revision).utf8)
            }
            if events.chance(10) { mutilate(&record, &events) }
            pair.feed(record)
        }
        #expect(seed % 5 == 0 || pair.shorts > 20)
    }

    @Test(arguments: 1...15 as ClosedRange<UInt64>)
    func telemetryGivesTheSameTwinAndLeaves(_ seed: UInt64) throws {
        var events = RandomEvents(random: SeededGenerator(seed: seed))
        let pair = try Pair(RandomEvents.thing)
        for round in 0..<600 {
            var features: [String] = []
            for _ in 0..<events.pick([1, 1, 2, 3]) {
                let properties = (0..<events.pick([1, 1, 2, 0])).map { _ in
                    "\(space(&events))\"\(events.pick(["a", "b", "ab", "c"]))\":\(space(&events))\(scalar(&events))"
                }
                features.append("\"\(events.pick(["f", "fa", "g"]))\":{\(properties.joined(separator: ","))}")
            }
            let usual = "\"2026-03-02T06:00:42.\(round)Z\""
            let time = events.pick([
                usual, usual, usual, usual, usual, "\(1_772_431_200_000 + round)", "null",
                "\"2026-03-02T06:00:42+01:00\"",
                "-5", "1.5",
            ])
            var record = Array(
                #"{"thingId":"\#(RandomEvents.thing)",\#(space(&events))"timestamp":\#(time),"features":{\#(features.joined(separator: ","))}}"#
                    .utf8)
            if events.chance(10) { mutilate(&record, &events) }
            pair.feed(record, .telemetry)
        }
        #expect(pair.shorts > 30)
    }

    /// The texts of a steady document are those that the document would give, whatever is done between them.
    @Test func aSteadyDocumentIsWrittenWithoutIt() throws {
        let pair = try Pair(RandomEvents.thing)
        let thing =
            #"{"thingId":"ns.a:t","policyId":"a:p","definition":"a:b:1.0.0","attributes":{"a\"b":0.5,"v":0.5,"list":[1,{"x":null}]},"#
            + #""features":{"f":{"properties":{"x":1,"o":{}}}}}"#
        pair.feed(Array(record("created", "/", thing, 1).utf8))
        var revision: Int64 = 1
        func feed(_ path: String, _ value: String) {
            revision += 1
            pair.feed(Array(record("modified", path, value, revision).utf8))
        }
        for round in 0..<42 {
            feed("/attributes/v", ["1.25", #""a text""#, "null", "7", "true"][round % 5])
            feed("/features/f/properties/x", "\(round)")
        }
        #expect(pair.short.template != nil && pair.templates > 20)
        // Another leaf, and another structure.
        feed("/features/f/properties/y", "1")
        #expect(pair.short.template == nil)
        for round in 0..<9 { feed("/features/f/properties/x", "\(round).5") }
        #expect(pair.short.template != nil)
        feed("/features/f/properties", #"{"x":{"z":1}}"#)
        #expect(pair.short.template == nil)
        for round in 0..<9 { feed("/features/f/properties/x/z", "\(round).5") }
        #expect(pair.short.template != nil)
    }

    @Test func numbersAreReadAsTheFullParserReadsThem() throws {
        var events = RandomEvents(random: SeededGenerator(seed: 5))
        let pair = try Pair(RandomEvents.thing)
        pair.feed(Array(RandomEvents.record("created", [], events.whole(), 1).utf8))
        pair.feed(Array(record("modified", "/attributes/n", "0", 2).utf8))
        var revision: Int64 = 2
        var numbers = 0
        for _ in 0..<5000 {
            // A number that took the long way leaves no cell: the next one finds the place again, and the one behind it is short.
            for text in ["0.5", "1.5"] {
                revision += 1
                pair.feed(Array(record("modified", "/attributes/n", text, revision).utf8))
            }
            revision += 1
            let before = pair.shorts
            pair.feed(Array(record("modified", "/attributes/n", number(&events), revision).utf8))
            numbers += pair.shorts - before
        }
        #expect(numbers > 3000)
    }

    @Test func timesAreReadAsTheFullParserReadsThem() throws {
        var events = RandomEvents(random: SeededGenerator(seed: 6))
        let pair = try Pair(RandomEvents.thing)
        pair.feed(Array(RandomEvents.record("created", [], events.whole(), 1).utf8))
        pair.feed(Array(record("modified", "/attributes/n", "0", 2).utf8))
        var revision: Int64 = 2
        func two(_ range: ClosedRange<Int>) -> String {
            let text = "\(Int.random(in: range, using: &events.random))"
            return text.count < 2 ? "0" + text : text
        }
        for _ in 0..<3000 {
            revision += 1
            let year = events.pick(["2026", "2024", "1900", "2000", "1970", "0000", "0004", "9999", "1969"])
            let fraction = events.pick(["", ".5", ".123", ".123456", ".123456789", ".1234567891", "."])
            let zone = events.pick(["Z", "Z", "Z", "z", "+01:00", ""])
            let time =
                "\(year)-\(two(1...13))-\(two(0...31))T\(two(0...24)):\(two(0...60)):\(two(0...60))\(fraction)\(zone)"
            pair.feed(
                Array(
                    #"{"topic":"ns.a/t/things/twin/events/modified","path":"/attributes/n","value":1,"revision":\#(revision),"timestamp":"\#(time)"}"#
                        .utf8))
        }
        // Not JSON, and no day at all; the scanner remembers the day before by its letters.
        for fresh in [try Pair(RandomEvents.thing), pair] {
            fresh.feed(Array(RandomEvents.record("created", [], events.whole(), revision + 1).utf8))
            func timed(_ time: String) -> [UInt8] {
                Array(
                    #"{"topic":"ns.a/t/things/twin/events/modified","path":"/attributes/n","value":1,"revision":\#(revision)\#(time)}"#
                        .utf8)
            }
            revision += 2
            fresh.feed(timed(""))
            revision += 1
            fresh.feed(timed(#","timestamp":"\#(String(repeating: "\0", count: 10))T00:00:00Z""#))
        }
        #expect(pair.shorts > 500)
    }

    /// With what it needs around it; where something else stands, the long way decides.
    @Test func theFirstEventOfALeafTakesTheShortWay() throws {
        let pair = try Pair(RandomEvents.thing)
        let thing = #"{"thingId":"ns.a:t","attributes":{"o":{"a":1},"n":1},"features":{"g":{},"z":null}}"#
        pair.feed(Array(record("created", "/", thing, 1).utf8))
        var revision: Int64 = 1
        func isShort(_ path: String, _ value: String, action: String = "modified") -> Bool {
            let before = pair.shorts
            revision += 1
            pair.feed(Array(record(action, path, value, revision).utf8))
            return pair.shorts > before
        }
        #expect(isShort("/attributes/new", "0.5"))
        #expect(isShort("/attributes/o/b", "7"))
        #expect(isShort("/attributes/p/q/r", #""text""#))
        #expect(isShort("/features/f/properties/x", "true", action: "created"))
        #expect(isShort("/features/f/properties/y", "null"))
        #expect(isShort("/features/g/properties/x", "-1"))
        // What was there before is still found, and a leaf that was made is one like others.
        #expect(isShort("/attributes/n", "2"))
        #expect(isShort("/attributes/new", "1.5"))
        #expect(isShort("/features/f/properties/y", "3"))
        #expect(!isShort("/attributes/o", "1"))
        #expect(!isShort("/attributes/n/below", "1"))
        #expect(!isShort("/features/z/properties/x", "1"))
        #expect(!isShort("/attributes/merged", "1", action: "merged"))
        // All features anew.
        #expect(!isShort("/features", "null"))
        #expect(!isShort("/features/f/properties/x", "1"))
        #expect(!isShort("/features", "{}"))
        #expect(isShort("/features/f/properties/x", "1"))
    }

    /// What processors ask of the twin while its document is older than its leaves.
    @Test func aValueThatTookTheShortWayIsReadAtOnce() throws {
        let pair = try Pair(RandomEvents.thing)
        pair.feed(Array(record("created", "/", #"{"thingId":"ns.a:t","attributes":{"n":0,"m":"a"}}"#, 1).utf8))
        // The first ones make the paths and the cells known.
        for revision in [2, 4] as [Int64] {
            pair.feed(Array(record("modified", "/attributes/n", "1.5", revision).utf8))
            pair.feed(Array(record("modified", "/attributes/m", "\"b\"", revision + 1).utf8))
        }
        func write(_ text: String) -> Bool {
            Array(text.utf8).withUnsafeBytes { bytes in
                let place = pair.key.withUnsafeBytes {
                    pair.decoder.scan(
                        bytes, key: $0, format: .ditto, recordTime: EventTime(microseconds: 0), in: pair.index)
                }
                guard place >= 0, case .applied = pair.short.write(pair.decoder.scan) else { return false }
                return true
            }
        }
        #expect(write(record("modified", "/attributes/n", "7", 6)))
        #expect(write(record("modified", "/attributes/m", "\"c\"", 7)))
        #expect(pair.short.hasDirtyCells)
        #expect(pair.short.value(at: ["attributes", "n"]) == .int(7))
        #expect(pair.short.value(at: ["attributes", "m"]) == .string("c"))
        #expect(write(record("modified", "/attributes/n", "8", 8)))
        #expect(pair.short.value(at: ["attributes"])?.text == #"{"n":8,"m":"c"}"#)
    }

    /// The same bytes at every place relative to the end of a page: the scanner reads whole words.
    @Test func theEndOfAPageChangesNothing() throws {
        let pair = try Pair(RandomEvents.thing)
        pair.feed(Array(record("created", "/", #"{"thingId":"ns.a:t","attributes":{"n":0}}"#, 1).utf8))
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 3 * 4096, alignment: 4096)
        defer { memory.deallocate() }
        // What lies behind would go on with the record, if anybody looked.
        memory.initializeMemory(as: UInt8.self, repeating: UInt8(ascii: "}"))
        pair.feed(Array(record("modified", "/attributes/n", "4.5", 2).utf8))
        let text = Array(record("modified", "/attributes/n", "4.25", 3).utf8)
        var recognised = 0
        for end in 4096...(2 * 4096) {
            UnsafeMutableRawBufferPointer(rebasing: memory[(end - text.count)..<end]).copyBytes(from: text)
            let place = pair.key.withUnsafeBytes {
                pair.decoder.scan(
                    UnsafeRawBufferPointer(rebasing: memory[(end - text.count)..<end]), key: $0, format: .ditto,
                    recordTime: EventTime(microseconds: 0), in: pair.index)
            }
            if place >= 0 { recognised += 1 }
        }
        // Those whose last byte is among the last of a page as well: in a copy.
        #expect(recognised == 4097)
    }

    // MARK: Records

    private func record(_ action: String, _ path: String, _ value: String, _ revision: Int64) -> String {
        #"{"topic":"ns.a/t/things/twin/events/\#(action)","headers":{},"path":"\#(path)","value":\#(value),"revision":\#(revision),"timestamp":"2026-03-02T06:00:42.120Z"}"#
    }

    private func leafRecord(_ events: inout RandomEvents, _ revision: Int64, metadata: Bool) -> String {
        let path = events.pick([
            "/features/f/properties/a", "/features/g/properties/a", "features/f/properties/b", "/attributes/a",
            "/attributes/x~1y", "/features/f/desiredProperties/0", "/attributes/a/b", "/features/f/properties/a/b",
        ])
        let headers = events.pick([
            "", #""headers":{},"#, #""headers":{"correlation-id":"c-1","content-type":"application/json"},"#,
            #""headers":{"a":[1,2.5,{"b":null}],"c":true,"version":2},"#, #""headers":null,"#, #""headers":{"":1},"#,
            #""headers":{"u":"\u00e4"},"#, #""headers":[],"#,
        ])
        let time = events.pick([
            #","timestamp":"2026-03-02T06:00:42.120Z""#, "", #","timestamp":null"#,
            #","timestamp":"2026-03-02T06:00:42Z""#,
        ])
        let other = events.pick([
            "", "", "", "", #","extra":{}"#, #","status":200"#, metadata ? #","metadata":{"issuedAt":"now"}"# : "",
        ])
        let action = events.pick(["modified", "modified", "modified", "merged", "created", "deleted", "migrated"])
        let thing = events.pick(["ns.a/t", "ns.a/t", "ns.a/t", "ns.a/t", "ns.a/u"])
        let s = space(&events)
        return
            #"{\#(s)"topic":\#(s)"\#(thing)/things/twin/events/\#(action)",\#(headers)"path":"\#(path)","value":\#(s)\#(scalar(&events)),"revision":\#(revision)\#(time)\#(other)\#(s)}\#(s)"#
    }

    private func space(_ events: inout RandomEvents) -> String { events.pick(["", "", "", " ", "\n", "\t "]) }

    private func scalar(_ events: inout RandomEvents) -> String {
        // Mostly what is usual, or too few records in a row would take the short way.
        if events.chance(75) { return "\(Int.random(in: 0...99, using: &events.random)).25" }
        switch events.pick([0, 0, 0, 1, 2, 3]) {
        case 0: return number(&events)
        case 1: return events.pick(["true", "false", "null", "tru", "nulls"])
        case 2:
            return events.pick([
                #""on""#, #""""#, #""a somewhat longer text of a machine""#, #""é""#, #""a\n""#, #""\u0000""#,
                "\"\u{1}\"",
            ])
        default: return events.pick(["{}", "[]", #"{"z":1}"#, "[1,2]"])
        }
    }

    private func number(_ events: inout RandomEvents) -> String {
        func digits(_ most: Int) -> String {
            String((0..<Int.random(in: 1...most, using: &events.random)).map { _ in events.pick(Array("0123456789")) })
        }
        switch Int.random(in: 0..<8, using: &events.random) {
        case 0: return "\(Int64.random(in: .min ... .max, using: &events.random))"
        case 1: return "\(Int.random(in: -100...100, using: &events.random))"
        case 2: return "\(Double.random(in: -1e6...1e6, using: &events.random))"
        case 3: return digits(20) + "." + digits(20)
        case 4:
            return events.pick([
                "-0", "-0.0", "0.0", "00", "01.5", "1.", ".5", "-", "+1", "1e5", "1.5E-3", "1e400", "9007199254740993.",
                "123456789012345678.", "-12345678901234567.",
            ])
        case 5: return "0." + String(repeating: "0", count: Int.random(in: 0...30, using: &events.random)) + digits(3)
        case 6: return "\(Int.random(in: 0...99, using: &events.random)).\(digits(2))"
        default: return (events.chance(50) ? "-" : "") + digits(19)
        }
    }

    private func mutilate(_ record: inout [UInt8], _ events: inout RandomEvents) {
        for _ in 0..<events.pick([1, 1, 2]) {
            let index = Int.random(in: record.indices, using: &events.random)
            switch events.pick([0, 1, 2]) {
            case 0: record[index] = events.pick(Array("{}[]\",:0-~/eaN\\ ".utf8))
            case 1: record.remove(at: index)
            default: record.insert(events.pick(Array("{}[]\",:0-~/eaN\\ ".utf8)), at: index)
            }
            if record.isEmpty { record = [0x7B] }
        }
    }
}
