import EgizTwin
import HTTPTypes
import NIOCore
import HummingbirdTesting
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct TwinRoutesTests {
        private static let exact = #"""
            {"thingId":"ns:a","attributes":{"big":9223372036854775807,"small":0.1,"huge":1e+300,"nul":"a\u0000b","é":"e\u0301"},"features":{"f":{"properties":{"t":21.5}}},"_revision":17,"_created":"2026-01-01T00:00:00.123456789Z"}
            """#

        @Test func theDocumentPassesThroughByteForByte() async throws {
            let api = try TestAPI()
            try api.commit(twins: [TestAPI.twin("ns:a", revision: 17, document: Self.exact)])
            let response = try await api.get("/api/v1/twins/ns%3Aa")
            #expect(response.status == .ok && response.text == Self.exact)
            #expect(response.headers[.eTag] == "\"rev:17\"")
            #expect(response.headers[.contentType] == "application/json")
            #expect(try await api.get("/api/v1/twins/ns:a").text == Self.exact)
        }

        @Test func fieldsKeepNumbersExact() async throws {
            let api = try TestAPI()
            try api.commit(twins: [TestAPI.twin("ns:a", revision: 17, document: Self.exact)])
            let response = try await api.get(
                "/api/v1/twins/ns:a?fields=_revision,attributes(big,nul),features/*/properties/t")
            #expect(
                response.text
                    == #"{"attributes":{"big":9223372036854775807,"nul":"a\u0000b"},"features":{"f":{"properties":{"t":21.5}}},"_revision":17}"#
            )
            #expect(response.headers[.eTag] == "\"rev:17\"")
        }

        @Test func aKnownRevisionIsNotSentAgain() async throws {
            let api = try TestAPI()
            try api.commit(twins: [TestAPI.twin("ns:a", revision: 17, document: Self.exact)])
            let same = try await api.get("/api/v1/twins/ns:a", headers: [.ifNoneMatch: "\"rev:17\""])
            #expect(same.status == .notModified && same.body.readableBytes == 0 && same.headers[.eTag] == "\"rev:17\"")
            #expect(try await api.get("/api/v1/twins/ns:a", headers: [.ifNoneMatch: "\"rev:16\""]).status == .ok)
        }

        @Test func whatHasAnEntityTagMayBeKeptAndMustBeAskedFor() async throws {
            let api = try TestAPI()
            try api.commit(twins: [TestAPI.twin("ns:a", revision: 17, document: Self.exact)])
            for headers in [[:], [.ifNoneMatch: "\"rev:17\""]] as [HTTPFields] {
                let response = try await api.get("/api/v1/twins/ns:a", headers: headers)
                #expect(response.headers[.cacheControl] == "no-cache", "\(response.status)")
            }
            for uri in ["/api/v1/twins", "/api/v1/twins/ns:b"] {
                #expect(try await api.get(uri).headers[.cacheControl] == "no-store", "\(uri)")
            }
        }

        @Test func unknownAndDeletedTwinsAreNotFound() async throws {
            let api = try TestAPI()
            try api.commit(twins: [
                TestAPI.twin("ns:gone", revision: 2, document: nil), TestAPI.twin("ns:a", document: Self.exact),
            ])
            for thing in ["ns:gone", "ns:never", "ns:A"] {
                let response = try await api.get("/api/v1/twins/\(thing)")
                #expect(response.status == .notFound && response.text.contains("twin-not-found"), "\(thing)")
            }
            #expect(try await api.json("/api/v1/twins")["items"]?.array?.count == 1)
        }

        @Test func thingIdsOfUnusualCharactersAreReachable() async throws {
            let api = try TestAPI()
            let document = #"{"thingId":"ns:x y%+中","_revision":1}"#
            try api.commit(twins: [TestAPI.twin("ns:x y%+中", document: document)])
            #expect(try await api.get("/api/v1/twins/ns:x%20y%25+%E4%B8%AD").text == document)
        }

        @Test func listItemsHaveOneOrderOfMembers() async throws {
            let api = try TestAPI()
            try api.commit(twins: [
                TestAPI.twin("ns:b", revision: 3, document: "{}", definition: "ns:d:1"),
                TestAPI.twin("ns:a", document: "{}"),
            ])
            #expect(
                try await api.get("/api/v1/twins").text
                    == #"{"items":[{"thingId":"ns:a","_revision":1,"_created":"2026-01-01T00:00:00Z","_modified":"2026-01-01T00:00:00.001500Z"},{"thingId":"ns:b","definition":"ns:d:1","_revision":3,"_created":"2026-01-01T00:00:00Z","_modified":"2026-01-01T00:00:00.001500Z"}]}"#
            )
        }

        @Test func pagesCoverAllTwinsOnceInTheOrderOfTheirBytes() async throws {
            let api = try TestAPI()
            let things = ["ns:Z", "ns:a", "ns:a-b", "ns:aB", "ns:中", "ns:z", "ns:_", "ns:😀", "n:s", "ns.x:1"]
            try api.commit(twins: things.map { try TestAPI.twin($0, document: #"{"thingId":"\#($0)"}"#) })
            for limit in [1, 3, 10, 11] {
                for fields in ["", "&fields=thingId"] {
                    var found: [String] = []
                    var uri: String? = "/api/v1/twins?limit=\(limit)\(fields)"
                    while let next = uri {
                        let page = try await api.json(next)
                        let items = try #require(page["items"]?.array)
                        #expect(items.count <= limit && !items.isEmpty)
                        found += items.compactMap { $0["thingId"]?.string }
                        uri = page["cursor"]?.string.map { "/api/v1/twins?limit=\(limit)\(fields)&cursor=\($0)" }
                    }
                    #expect(found == things.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
                }
            }
        }

        @Test func filtersAreExactAndCombine() async throws {
            let api = try TestAPI()
            try api.commit(twins: [
                TestAPI.twin("ns:a", document: "{}", definition: "d:x:1"),
                TestAPI.twin("ns:b", document: "{}", definition: "d:y:1"),
                TestAPI.twin("ns.sub:a", document: "{}", definition: "d:x:1"), TestAPI.twin("other:a", document: "{}"),
            ])
            func things(_ query: String) async throws -> [String] {
                try await api.json("/api/v1/twins?\(query)")["items"]?.array?.compactMap { $0["thingId"]?.string } ?? []
            }
            #expect(try await things("namespace=ns") == ["ns:a", "ns:b"])
            #expect(try await things("definition=d:x:1") == ["ns.sub:a", "ns:a"])
            #expect(try await things("namespace=ns&definition=d%3Ax%3A1") == ["ns:a"])
            #expect(try await things("namespace=n").isEmpty)
            #expect(try await things("namespace=ns%25").isEmpty)
        }

        @Test func aCursorOfOtherFiltersIsRefused() async throws {
            let api = try TestAPI()
            try api.commit(twins: [TestAPI.twin("ns:a", document: "{}"), TestAPI.twin("ns:b", document: "{}")])
            let cursor = try #require(try await api.json("/api/v1/twins?limit=1")["cursor"]?.string)
            #expect(try await api.get("/api/v1/twins?limit=1&namespace=ns&cursor=\(cursor)").status == .badRequest)
        }

        @Test func pagesOfLargeDocumentsEndEarlyAndGoOn() async throws {
            let api = try TestAPI()
            let filler = String(repeating: "x", count: 7 << 20)
            let things = ["ns:a", "ns:b", "ns:c", "ns:d"]
            try api.commit(
                twins: things.map {
                    try TestAPI.twin($0, document: #"{"thingId":"\#($0)","attributes":{"x":"\#(filler)"}}"#)
                })
            var found: [[String]] = []
            var uri: String? = "/api/v1/twins?fields=thingId"
            while let next = uri {
                let page = try await api.json(next)
                found.append(page["items"]?.array?.compactMap { $0["thingId"]?.string } ?? [])
                uri = page["cursor"]?.string.map { "/api/v1/twins?fields=thingId&cursor=\($0)" }
            }
            #expect(found == [["ns:a", "ns:b", "ns:c"], ["ns:d"]])
        }
    }
}
