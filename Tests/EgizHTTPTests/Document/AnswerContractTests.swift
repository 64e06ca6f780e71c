import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Real answers are as the document says: status, content type, and every member.
    @Suite struct AnswerContractTests {
        @Test func answersAreAsDocumented() async throws {
            let api = try TestAPI()
            let document = #"{"thingId":"ns:a","attributes":{"a":1},"_revision":1}"#
            try api.commit(
                columns: [
                    TestAPI.numbers(
                        try TestAPI.key("ns:a", "/attributes/a"),
                        [(TestAPI.start, 1), (TestAPI.start + TestAPI.second, 2)])
                ],
                twins: [
                    try TestAPI.twin("ns:a", document: document),
                    try TestAPI.twin("ns:b", document: #"{"thingId":"ns:b","_revision":1}"#),
                ])
            let contract = try OpenAPIContract()
            let questions: [(path: String, uri: String, status: Int)] = [
                ("/api/v1/twins", "/api/v1/twins", 200), ("/api/v1/twins", "/api/v1/twins?limit=1", 200),
                ("/api/v1/twins", "/api/v1/twins?limit=0", 400), ("/api/v1/twins/{thingId}", "/api/v1/twins/ns:a", 200),
                ("/api/v1/twins/{thingId}", "/api/v1/twins/ns:x", 404),
                ("/api/v1/twins/{thingId}", "/api/v1/twins/nocolon", 400),
                ("/api/v1/twins/{thingId}/scene", "/api/v1/twins/ns:a/scene", 200),
                ("/api/v1/twins/{thingId}/alerts", "/api/v1/twins/ns:a/alerts", 200),
                ("/api/v1/twins/{thingId}/predictions", "/api/v1/twins/ns:a/predictions", 200),
                ("/api/v1/twins/{thingId}/history", "/api/v1/twins/ns:a/history?path=/attributes/a", 200),
                ("/api/v1/twins/{thingId}/history", "/api/v1/twins/ns:a/history?path=/attributes/a&limit=1", 200),
                (
                    "/api/v1/twins/{thingId}/history",
                    "/api/v1/twins/ns:a/history?path=/attributes/a&from=2026-01-01T00:00:00Z&to=2026-01-01T00:01:00Z&interval=1m&aggregate=min,max,avg,sum,count,first,last,twa",
                    200
                ), ("/api/v1/twins/{thingId}/history", "/api/v1/twins/ns:a/history?path=/attributes/a&format=csv", 200),
                ("/api/v1/topologies", "/api/v1/topologies", 200),
                ("/api/v1/dead-letters", "/api/v1/dead-letters", 200),
                ("/api/v1/dead-letters/{letterId}", "/api/v1/dead-letters/17", 404),
                ("/api/v1/redrives/{requestId}", "/api/v1/redrives/17", 404), ("/healthz", "/healthz", 200),
                ("/readyz", "/readyz", 200), ("/metrics", "/metrics", 200), ("/openapi.json", "/openapi.json", 200),
                ("/docs", "/docs", 200), ("/api/v1/live", "/api/v1/live", 503),
                ("/api/v1/live", "/api/v1/live?kind=x", 400),
            ]
            let server = api.server()
            try await server.application().test(.router) { client in
                for question in questions {
                    let response = try await client.execute(uri: question.uri, method: .get)
                    #expect(Int(response.status.code) == question.status, "\(question.uri): \(response.text)")
                    let faults = contract.faults(
                        "get", question.path, status: Int(response.status.code), type: response.headers[.contentType],
                        body: Array(buffer: response.body))
                    #expect(faults == [], "\(question.uri)")
                }
                let order = #"{"action":"retry","ids":[17]}"#
                let response = try await client.execute(
                    uri: "/api/v1/dead-letters/redrive", method: .post, headers: [.contentType: "application/json"],
                    body: ByteBuffer(string: order))
                #expect(
                    contract.faults(
                        "post", "/api/v1/dead-letters/redrive", status: Int(response.status.code),
                        type: response.headers[.contentType], body: Array(buffer: response.body)) == [])
            }
        }

        /// The check itself notices what is not documented.
        @Test func aMemberThatIsNotDocumentedIsNoticed() throws {
            let contract = try OpenAPIContract()
            func faults(_ body: String, status: Int = 200) -> [String] {
                contract.faults(
                    "get", "/api/v1/twins", status: status, type: "application/json", body: Array(body.utf8))
            }
            #expect(faults(#"{"items":[{"thingId":"a:b","_revision":1}]}"#) == [])
            for body in [
                "{}", #"{"items":{}}"#, #"{"items":[{"thingId":7,"_revision":1}]}"#, #"{"items":[],"more":true}"#,
                #"{"items":[{"thingId":"a:b","_revision":1,"extra":1}]}"#, #"{"items":[{"_revision":1}]}"#,
            ] { #expect(!faults(body).isEmpty, "\(body)") }
            #expect(!faults("{}", status: 418).isEmpty)
        }
    }
}
