import EgizCore
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct HistoryRouteTests {
        private static let path = "/features/f/properties/t"
        private static let s = TestAPI.second
        private static let t0 = TestAPI.start
        private static let range = "from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z"
        private static let uri = "/api/v1/twins/ns:a/history?path=\(path)&\(range)"

        private func items(_ api: TestAPI, _ uri: String) async throws -> [String] {
            try await api.json(uri)["items"]?.array?.map(\.text) ?? []
        }

        @Test func aCursorWrittenByHandGetsNowhereBeyondAllTimes() async throws {
            let api = try TestAPI()
            let uri = "/api/v1/twins/ns:a/history?path=\(Self.path)&interval=1s&aggregate=twa"
            for place in ["\(Int64.min);\(Int64.min + 1)", "\(Int64.min);\(Int64.max)", "0;7258118400000001"] {
                let cursor = PageCursor(.buckets, question: ["ns:a", Self.path, "1000000"], place: place)
                #expect(try await api.get("\(uri)&cursor=\(cursor.text)").status == .badRequest, "\(place)")
            }
        }

        @Test func rawSamplesHaveTimeKindAndValue() async throws {
            let api = try TestAPI()
            let key = try TestAPI.key("ns:a", Self.path)
            let numbers = TestAPI.numbers(key, [(Self.t0, 21), (Self.t0 + 1500, -0.5)])
            numbers.append(time: Self.t0 + Self.s, number: 9_007_199_254_740_992, exactly: "9007199254740993")
            let texts = SeriesColumn(series: key, kind: .text)
            texts.append(time: Self.t0 + 2 * Self.s, text: "a\"b,c")
            texts.append(time: Self.t0 + 3 * Self.s, text: "")
            let booleans = SeriesColumn(series: key, kind: .boolean)
            booleans.append(time: Self.t0 + 4 * Self.s, number: 1)
            let json = SeriesColumn(series: key, kind: .json)
            json.append(time: Self.t0 + 5 * Self.s, text: "[1,{\"a\":1.0}]")
            let null = SeriesColumn(series: key, kind: .null)
            null.append(time: Self.t0 + 6 * Self.s)
            let absent = SeriesColumn(series: key, kind: .absent)
            absent.append(time: Self.t0 + 7 * Self.s)
            try api.commit(columns: [numbers, texts, booleans, json, null, absent])

            let response = try await api.get(Self.uri)
            #expect(
                response.text == #"""
                    {"thingId":"ns:a","path":"/features/f/properties/t","from":"2026-01-01T00:00:00Z","to":"2026-01-01T01:00:00Z","items":[{"time":"2026-01-01T00:00:00Z","kind":"number","value":21},{"time":"2026-01-01T00:00:00.001500Z","kind":"number","value":-0.5},{"time":"2026-01-01T00:00:01Z","kind":"number","value":9007199254740993},{"time":"2026-01-01T00:00:02Z","kind":"text","value":"a\"b,c"},{"time":"2026-01-01T00:00:03Z","kind":"text","value":""},{"time":"2026-01-01T00:00:04Z","kind":"boolean","value":true},{"time":"2026-01-01T00:00:05Z","kind":"json","value":[1,{"a":1.0}]},{"time":"2026-01-01T00:00:06Z","kind":"null","value":null},{"time":"2026-01-01T00:00:07Z","kind":"absent","value":null}]}
                    """#)

            let csv = try await api.get(Self.uri, headers: [.accept: "text/csv"])
            #expect(csv.headers[.contentType]?.hasPrefix("text/csv") == true)
            let lines = [
                "time,kind,value", "2026-01-01T00:00:00Z,number,21", "2026-01-01T00:00:00.001500Z,number,-0.5",
                "2026-01-01T00:00:01Z,number,9007199254740993", "2026-01-01T00:00:02Z,text,\"a\"\"b,c\"",
                "2026-01-01T00:00:03Z,text,\"\"", "2026-01-01T00:00:04Z,boolean,true",
                "2026-01-01T00:00:05Z,json,\"[1,{\"\"a\"\":1.0}]\"", "2026-01-01T00:00:06Z,null,",
                "2026-01-01T00:00:07Z,absent,", "",
            ]
            #expect(csv.text == lines.joined(separator: "\r\n"))
            #expect(try await api.get(Self.uri + "&format=csv").text == csv.text)
            #expect(try await api.get(Self.uri + "&format=json", headers: [.accept: "text/csv"]).text == response.text)
        }

        @Test func ofEqualTimesTheLaterEpochWins() async throws {
            let api = try TestAPI()
            let key = try TestAPI.key("ns:a", Self.path)
            try api.commit(columns: [
                TestAPI.numbers(key, [(Self.t0, 1), (Self.t0 + Self.s, 2), (Self.t0 + 2 * Self.s, 3)])
            ])
            try api.commit(columns: [TestAPI.numbers(key, [(Self.t0 + Self.s, 20)])])
            let values = try await api.json(Self.uri)["items"]?.array?.compactMap { $0["value"]?.text }
            #expect(values == ["1", "20", "3"])
            let sums = try await items(api, Self.uri + "&interval=1h&aggregate=sum,count")
            #expect(sums == [#"{"time":"2026-01-01T00:00:00Z","sum":24,"count":3,"skipped":0}"#])
        }

        @Test func aSampleThatALaterEpochMadeTextIsNoNumberAnyMore() async throws {
            let api = try TestAPI()
            let key = try TestAPI.key("ns:a", Self.path)
            try api.commit(columns: [TestAPI.numbers(key, [(Self.t0, 1), (Self.t0 + Self.s, 2)])])
            let text = SeriesColumn(series: key, kind: .text)
            text.append(time: Self.t0 + Self.s, text: "off")
            try api.commit(columns: [text])
            #expect(
                try await items(api, Self.uri + "&interval=1m&aggregate=max,last")
                    == [#"{"time":"2026-01-01T00:00:00Z","max":1,"last":1,"skipped":1}"#])
        }

        @Test func allAggregatesAreComputedPerIntervalAlignedToTheEpoch() async throws {
            let api = try TestAPI()
            let key = try TestAPI.key("ns:a", Self.path)
            let samples: [(Int64, Double)] = [(59, 9), (60, 4), (70, -2), (119, 1), (240, 7)].map {
                (Self.t0 + $0.0 * Self.s, $0.1)
            }
            let text = SeriesColumn(series: key, kind: .text)
            text.append(time: Self.t0 + 600 * Self.s, text: "x")
            try api.commit(columns: [TestAPI.numbers(key, samples), text])
            let uri = Self.uri.replacing("from=2026-01-01T00:00:00Z", with: "from=2026-01-01T00:00:59.5Z")
            #expect(
                try await items(api, uri + "&interval=PT1M&aggregate=min,max,avg,sum,count,first,last") == [
                    #"{"time":"2026-01-01T00:01:00Z","min":-2,"max":4,"avg":1,"sum":3,"count":3,"first":4,"last":1,"skipped":0}"#,
                    #"{"time":"2026-01-01T00:04:00Z","min":7,"max":7,"avg":7,"sum":7,"count":1,"first":7,"last":7,"skipped":0}"#,
                    #"{"time":"2026-01-01T00:10:00Z","min":null,"max":null,"avg":null,"sum":null,"count":0,"first":null,"last":null,"skipped":1}"#,
                ])
            let csv = try await api.get(uri + "&interval=1m&aggregate=last,count&format=csv")
            #expect(
                csv.text
                    == "time,last,count,skipped\r\n2026-01-01T00:01:00Z,1,3,0\r\n2026-01-01T00:04:00Z,7,1,0\r\n2026-01-01T00:10:00Z,,0,1\r\n"
            )
        }

        @Test func fromIsIncludedAndToIsNot() async throws {
            let api = try TestAPI()
            let key = try TestAPI.key("ns:a", Self.path)
            try api.commit(columns: [TestAPI.numbers(key, (0..<5).map { (Self.t0 + Int64($0) * Self.s, Double($0)) })])
            let uri = "/api/v1/twins/ns:a/history?path=\(Self.path)&from=1767225601000&to=1767225603000"
            #expect(try await api.json(uri)["items"]?.array?.compactMap { $0["value"]?.text } == ["1", "2"])
            #expect(
                try await api.json(uri + "&interval=1h&aggregate=count")["items"]?.array?.first?["count"] == .int(2))
        }

        @Test func sumsBeyondFloat8AreToldAndNotComputed() async throws {
            let api = try TestAPI()
            let key = try TestAPI.key("ns:a", Self.path)
            try api.commit(columns: [TestAPI.numbers(key, [(Self.t0, 1.7e308), (Self.t0 + 1, 1.7e308)])])
            #expect(try await api.get(Self.uri + "&interval=1h&aggregate=avg").status == .unprocessableContent)
            #expect(try await api.get(Self.uri + "&interval=1h&aggregate=min,max,first,last,count").status == .ok)
        }

        @Test func anUnknownThingIsNotFoundAndAnUnknownPathIsEmpty() async throws {
            let api = try TestAPI()
            try api.commit(columns: [TestAPI.numbers(TestAPI.key("ns:a", Self.path), [(Self.t0, 1)])])
            for suffix in ["", "&interval=1h"] {
                #expect(
                    try await api.get("/api/v1/twins/ns:b/history?path=/a&\(Self.range)\(suffix)").status == .notFound)
                #expect(try await items(api, "/api/v1/twins/ns:a/history?path=/nothing&\(Self.range)\(suffix)").isEmpty)
            }
            // The thing has history and no twin: it was deleted, or its twin is not projected.
            #expect(try await api.get("/api/v1/twins/ns:a").status == .notFound)
        }

        @Test func pathsAreComparedByBytes() async throws {
            let api = try TestAPI()
            try api.commit(columns: [TestAPI.numbers(TestAPI.key("ns:a", "/attributes/caf\u{e9}"), [(Self.t0, 1)])])
            #expect(
                try await items(api, "/api/v1/twins/ns:a/history?path=/attributes/caf%C3%A9&\(Self.range)").count == 1)
            #expect(
                try await items(api, "/api/v1/twins/ns:a/history?path=/attributes/cafe%CC%81&\(Self.range)").isEmpty)
        }

        @Test func aNulInAPathIsFoundUnderItsEscape() async throws {
            let api = try TestAPI()
            try api.commit(columns: [TestAPI.numbers(TestAPI.key("ns:a", "/attributes/a~2b"), [(Self.t0, 1)])])
            #expect(try await items(api, "/api/v1/twins/ns:a/history?path=/attributes/a%00b&\(Self.range)").count == 1)
            #expect(try await items(api, "/api/v1/twins/ns:a/history?path=/attributes/a~2b&\(Self.range)").count == 1)
        }

        @Test func theLinkHeaderLeadsThroughAllPages() async throws {
            let api = try TestAPI()
            let key = try TestAPI.key("ns:a", Self.path)
            try api.commit(columns: [TestAPI.numbers(key, (0..<7).map { (Self.t0 + Int64($0) * Self.s, Double($0)) })])
            var lines: [String] = []
            var uri: String? = Self.uri + "&limit=3&format=csv"
            while let next = uri {
                let page = try await api.get(next)
                lines += page.text.split(separator: "\r\n").dropFirst().map(String.init)
                let link = page.headers[HTTPField.Name("Link")!]
                uri = link.map { String($0.dropFirst().prefix { $0 != ">" }) }
            }
            #expect(lines.count == 7 && Set(lines).count == 7)
        }
    }
}
