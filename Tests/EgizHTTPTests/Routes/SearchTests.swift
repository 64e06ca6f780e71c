import EgizCore
import EgizPostgres
import EgizTwin
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Searching twins, aggregates over many of them, and the state at a time.
    @Suite struct SearchTests {
        private func api() throws -> TestAPI {
            let api = try TestAPI()
            func document(_ thing: String, _ attributes: String, _ features: String) -> String {
                #"{"thingId":"\#(thing)","attributes":\#(attributes),"features":\#(features)}"#
            }
            try api.commit(twins: [
                TestAPI.twin(
                    "n.a:1", revision: 5,
                    document: document(
                        "n.a:1", #"{"hall":"H 1","x":null,"on":true}"#, #"{"f":{"properties":{"t":50}}}"#),
                    definition: "n:filler:1"),
                TestAPI.twin(
                    "n.a:2",
                    document: document("n.a:2", #"{"hall":"H_2","on":false}"#, #"{"g":{"properties":{"t":80.5}}}"#),
                    definition: "n:machine:1"),
                TestAPI.twin(
                    "n.b:3", document: document("n.b:3", #"{"hall":7}"#, #"{"f":{"properties":{"t":"hot"}}}"#)),
                TestAPI.twin("n.b:nul", document: #"{"thingId":"n.b:nul","attributes":{"hall":"H 1","z":"a\u0000b"}}"#),
                TestAPI.twin("n.b:gone", document: nil),
            ])
            try api.connection.execute(
                """
                insert into egiz.twin_type values ('n:machine:1', null), ('n:filler:1', 'n:machine:1');
                insert into egiz.twin_registration (thing_id, twin_type, metadata) values
                    ('n.b:3', 'n:filler:1', '{"site":"Aktau","floor":2}'), ('n.c:new', null, '{"site":"Oral"}');
                """)
            return api
        }

        private func found(_ api: TestAPI, _ filter: String, _ more: String = "") async throws -> [String] {
            let encoded = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let answer = try await api.json("/api/v1/twins?filter=\(encoded)\(more)")
            return answer["items"]?.array?.compactMap { $0["thingId"]?.string } ?? []
        }

        @Test(
            arguments: [
                (#"eq(definition,"n:filler:1")"#, ["n.a:1"]), (#"like(thingId,"n.?:*1")"#, ["n.a:1"]),
                (#"eq(attributes/hall,"H 1")"#, ["n.a:1"]), (#"eq(attributes/hall,7)"#, ["n.b:3"]),
                (#"like(attributes/hall,"H_*")"#, ["n.a:2"]), (#"ilike(attributes/hall,"h*")"#, ["n.a:1", "n.a:2"]),
                (#"gt(features/f/properties/t,49)"#, ["n.a:1"]),
                (#"ge(features/*/properties/t,50)"#, ["n.a:1", "n.a:2"]),
                (#"lt(features/*/properties/t,60.5)"#, ["n.a:1"]), (#"eq(attributes/on,true)"#, ["n.a:1"]),
                (#"in(attributes/hall,"H 1",7)"#, ["n.a:1", "n.b:3"]), (#"exists(attributes/on)"#, ["n.a:1", "n.a:2"]),
                (#"and(exists(attributes/on),not(eq(attributes/on,true)))"#, ["n.a:2"]),
                (#"and(eq(attributes/x,null),exists(attributes/on))"#, ["n.a:1", "n.a:2"]),
                (#"or(eq(thingId,"n.a:1"),eq(namespace,"n.c"))"#, ["n.a:1", "n.c:new"]),
                (#"eq(type,"n:machine:1")"#, ["n.a:1", "n.a:2", "n.b:3"]),
                (#"eq(type,"n:filler:1")"#, ["n.a:1", "n.b:3"]),
                (#"ne(type,"n:machine:1")"#, ["n.b:nul", "n.c:new"]), (#"eq(metadata/site,"Aktau")"#, ["n.b:3"]),
                (#"and(exists(metadata/site),lt(metadata/floor,3))"#, ["n.b:3"]), (#"ge(_revision,5)"#, ["n.a:1"]),
                (#"and(gt(_created,"2025-12-31T00:00:00Z"),eq(namespace,"n.a"))"#, ["n.a:1", "n.a:2"]),
                (#"eq(features/f/properties/t,"hot")"#, ["n.b:3"]), (#"exists(features/f)"#, ["n.a:1", "n.b:3"]),
                (#"eq(attributes/hall,"' or true --")"#, []), (#"exists(attributes/'; drop table egiz.twin; --)"#, []),
            ] as [(String, [String])])
        func aFilterFindsWhatItSays(filter: String, things: [String]) async throws {
            #expect(try await found(api(), filter) == things)
        }

        @Test func filtersGoWithPagesFieldsAndOtherParameters() async throws {
            let api = try api()
            #expect(try await found(api, "exists(attributes/hall)", "&namespace=n.b") == ["n.b:3"])
            let filter = "exists(attributes/on)"
            let first = try await api.json("/api/v1/twins?filter=\(filter)&limit=1&fields=thingId,attributes/on")
            #expect(first["items"]?.array?.first?.text == #"{"thingId":"n.a:1","attributes":{"on":true}}"#)
            let next = try #require(first["next"]?.string)
            let second = try await api.json("/api/v1/twins?filter=\(filter)&limit=1&cursor=\(next)")
            #expect(second["items"]?.array?.first?["thingId"] == .string("n.a:2") && second["next"] == nil)
            #expect(
                try await api.get("/api/v1/twins?filter=exists(attributes/hall)&cursor=\(next)").status == .badRequest)
            #expect(try await api.get("/api/v1/twins?filter=eq(thingId").status == .badRequest)
        }

        @Test func peopleFindTheTwinsOfTheirProjectsOnly() async throws {
            let people = try TestPeople()
            // Whoever takes a namespace does so before things of it exist.
            let owner = try await people.person("a@example.com").access
            _ = try await people.project(owner, namespace: "org.a")
            try people.api.commit(twins: [
                TestAPI.twin("org.a:1", document: #"{"thingId":"org.a:1"}"#),
                TestAPI.twin("org.b:1", document: #"{"thingId":"org.b:1"}"#),
            ])
            func things(_ uri: String) async throws -> [JSONValue?] {
                try await people.json(.get, uri, owner)["items"]?.array?.map { $0["thingId"] } ?? []
            }
            #expect(try await things("/api/v1/twins") == [.string("org.a:1")])
            #expect(try await things("/api/v1/twins?filter=like(thingId,%22org*%22)") == [.string("org.a:1")])
            #expect(try await things("/api/v1/twins?namespace=org.b").isEmpty)
        }

        // MARK: History of several

        private static let t0 = TestAPI.start
        private static let s = TestAPI.second
        private static let range = "from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z"

        private func history() throws -> TestAPI {
            let api = try TestAPI()
            let (a, b) = (
                try TestAPI.key("n.a:1", "/attributes/a"), try TestAPI.key("n.a:1", "/features/f/properties/t")
            )
            let text = SeriesColumn(series: try TestAPI.key("n.a:1", "/attributes/late"), kind: .text)
            text.append(time: Self.t0 + 600 * Self.s, text: "x")
            try api.commit(
                columns: [
                    TestAPI.numbers(a, [(Self.t0, 1), (Self.t0 + Self.s, 2), (Self.t0 + 2 * Self.s, 3)]),
                    TestAPI.numbers(b, [(Self.t0 + Self.s, 10.5), (Self.t0 + 70 * Self.s, 20)]), text,
                    TestAPI.numbers(
                        try TestAPI.key("n.a:2", "/features/f/properties/t"),
                        [(Self.t0 + 2 * Self.s, 30), (Self.t0 + 200 * Self.s, 5)]),
                ],
                twins: [
                    TestAPI.twin("n.a:1", document: #"{"thingId":"n.a:1"}"#),
                    TestAPI.twin("n.a:2", document: #"{"thingId":"n.a:2"}"#),
                ])
            return api
        }

        @Test func theStateAtATimeIsRebuiltWithWhatItDoesNotCover() async throws {
            let api = try history()
            let state = try await api.json("/api/v1/twins/n.a:1?at=2026-01-01T00:00:01Z")
            #expect(
                state["document"]?.text
                    == #"{"thingId":"n.a:1","attributes":{"a":2},"features":{"f":{"properties":{"t":10.5}}}}"#)
            #expect(state["uncovered"] == .array([.string("/attributes/late")]))
            #expect(state["coverage"]?.text.hasPrefix("0.66") == true && state["paths"]?.array?.count == 2)
            let later = try await api.json("/api/v1/twins/n.a:1?at=2026-01-01T00:10:00Z&fields=attributes")
            #expect(later["document"]?.text == #"{"attributes":{"a":3,"late":"x"}}"# && later["coverage"] == .int(1))
            #expect(try await api.get("/api/v1/twins/n.a:none?at=2026-01-01T00:10:00Z").status == .notFound)
            #expect(try await api.get("/api/v1/twins/n.a:1?at=yesterday").status == .badRequest)
        }

        @Test func severalPathsComeTogetherAndPagesTearNothing() async throws {
            let api = try history()
            let uri = "/api/v1/twins/n.a:1/history?path=/attributes/a&path=/features/f/properties/t&\(Self.range)"
            func series(_ answer: JSONValue) -> [[String?]] {
                answer["series"]?.array?.map { $0["items"]?.array?.map { $0["value"]?.text } ?? [] } ?? []
            }
            let whole = try await api.json(uri)
            #expect(series(whole) == [["1", "2", "3"], ["10.5", "20"]] && whole["next"] == nil)
            var pages: [[[String?]]] = []
            var next = ""
            repeat {
                let page = try await api.json("\(uri)&limit=1" + (next.isEmpty ? "" : "&cursor=\(next)"))
                pages.append(series(page))
                next = page["next"]?.string ?? ""
            } while !next.isEmpty && pages.count < 10
            #expect(pages == [[["1"], []], [["2"], ["10.5"]], [["3"], ["20"]]])
            let grouped = try await api.json(uri + "&interval=1m&aggregate=max,count")
            #expect(grouped["series"]?.array?[1]["items"]?.array?.map { $0["max"] } == [.double(10.5), .int(20)])
            let csv = try await api.get(uri + "&format=csv")
            #expect(csv.text.hasPrefix("path,time,kind,value\r\n/attributes/a,2026-01-01T00:00:00Z,number,1\r\n"))
            #expect(try await api.get(uri + "&path=/attributes/a").status == .badRequest)
        }

        @Test func theLatestValuesComeOfAllPathsOrOfSome() async throws {
            let api = try history()
            let all = try await api.json("/api/v1/twins/n.a:1/history/latest")
            #expect(all["items"]?.array?.map { $0["value"] } == [.int(3), .string("x"), .int(20)])
            let one = try await api.json("/api/v1/twins/n.a:1/history/latest?path=/attributes/late")
            #expect(one["items"]?.array?.map { $0["path"] } == [.string("/attributes/late")])
            var (found, uri) = ([JSONValue?](), "/api/v1/twins/n.a:1/history/latest?limit=1")
            for _ in 0..<3 {
                let page = try await api.json(uri)
                found += page["items"]?.array?.map { $0["value"] } ?? []
                guard let next = page["next"]?.string else { break }
                uri = "/api/v1/twins/n.a:1/history/latest?limit=1&cursor=\(next)"
                #expect(try await api.get(uri + "&path=/attributes/late").status == .badRequest, "of another list")
            }
            #expect(found == [.int(3), .string("x"), .int(20)])
            #expect(try await api.json(uri)["next"] == nil)
        }

        /// `\\u0000` in JSON is a stroke and letters; only `\u0000` is what Postgres cannot take apart.
        @Test func lettersThatOnlyLookLikeAZeroAreFound() async throws {
            let api = try TestAPI()
            let texts = [#"a\\u0000b"#, #"\\\\u0000"#, #"\u0000"#, #"x\\\u0000"#]
            try api.commit(
                twins: try texts.enumerated().map { number, text in
                    try TestAPI.twin(
                        "n.a:\(number)",
                        document: #"{"thingId":"n.a:\#(number)","attributes":{"on":true,"z":"\#(text)"}}"#)
                })
            #expect(try await found(api, "eq(attributes/on,true)") == ["n.a:0", "n.a:1"])
        }

        /// One meaning of capitals, whatever they stand in.
        @Test func capitalsAreTheSameInIdsAndInDocuments() async throws {
            let api = try TestAPI()
            let name = "\u{100}BC"
            try api.commit(
                twins: [
                    try TestAPI.twin(
                        "n.a:\(name)", document: #"{"thingId":"n.a:\#(name)","attributes":{"name":"n.a:\#(name)"}}"#)
                ])
            for text in ["n.a:\u{101}bc", "N.A:\u{100}bc", "n.a:\u{100}b?"] {
                let inDocument = try await found(api, #"ilike(attributes/name,"\#(text)")"#)
                #expect(try await found(api, #"ilike(thingId,"\#(text)")"#) == inDocument, "\(text)")
            }
        }

        @Test func manyTwinsAreReckonedTogether() async throws {
            let api = try history()
            let uri = "/api/v1/aggregates?path=/features/f/properties/t&\(Self.range)&interval=1m"
            let all = try await api.json(uri + "&aggregate=min,max,avg,sum,count")
            #expect(all["things"] == .int(2) && all["complete"] == .bool(true))
            #expect(
                all["items"]?.array?.map(\.text) == [
                    #"{"time":"2026-01-01T00:00:00Z","min":10.5,"max":30,"avg":20.25,"sum":40.5,"count":2,"skipped":0}"#,
                    #"{"time":"2026-01-01T00:01:00Z","min":20,"max":20,"avg":20,"sum":20,"count":1,"skipped":0}"#,
                    #"{"time":"2026-01-01T00:03:00Z","min":5,"max":5,"avg":5,"sum":5,"count":1,"skipped":0}"#,
                ])
            let one = try await api.json(uri + "&filter=eq(thingId,%22n.a:2%22)&aggregate=count")
            #expect(one["things"] == .int(1) && one["items"]?.array?.count == 2)
            for bad in ["&aggregate=twa", "&aggregate=first", "&namespace="] {
                #expect(try await api.get(uri + bad).status == .badRequest, "\(bad)")
            }
            #expect(try await api.get("/api/v1/aggregates?path=/a&\(Self.range)").status == .badRequest, "interval")
        }
    }
}
