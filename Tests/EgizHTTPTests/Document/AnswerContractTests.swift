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
                #"{"items":[{"thingId":"a:b","_revision":1,"extra":1}]}"#, #"{"items":[{"_revision":"1"}]}"#,
            ] { #expect(!faults(body).isEmpty, "\(body)") }
            #expect(!faults("{}", status: 418).isEmpty)
        }

        /// Members of members, branches, formats and bounds.
        @Test func whatIsWrongFurtherInsideIsNoticed() throws {
            let contract = try OpenAPIContract()
            func faults(_ path: String, _ body: String, status: Int = 200) -> [String] {
                contract.faults("get", path, status: status, type: "application/json", body: Array(body.utf8))
            }
            let alerts = "/api/v1/alerts"
            let cause = #"{"topic":"t","partition":0,"offset":1}"#
            func alert(_ change: (String, String)? = nil) -> String {
                let text = #"""
                    {"items":[{"id":1,"thingId":"a:b","key":"k","rule":"r","processor":"p","severity":"error","state":"raised",
                    "message":"m","raisedAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00.5Z","revision":1,"cause":\#(cause)}]}
                    """#
                return change.map { text.replacing($0.0, with: $0.1) } ?? text
            }
            #expect(faults(alerts, alert()) == [])
            #expect(faults(alerts, alert((cause, "null"))) == [])
            for change in [
                (#""offset":1"#, #""offset":1,"x":1"#), (#""partition":0"#, #""partition":"0""#),
                (#""partition":0"#, #""partition":3000000000"#), ("00:00:00Z", "00:00:00+01:00"), ("01-01T", "13-41T"),
                ("00:00:00Z", "00:00"), (#""severity":"error""#, #""severity":"bad""#),
            ] {
                #expect(!faults(alerts, alert(change)).isEmpty, "\(change)")
            }
            let history = "/api/v1/twins/{thingId}/history"
            let start = #"{"thingId":"a:b","from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z""#
            let sample = #"{"time":"2026-01-01T00:00:00Z","kind":"number","value":1}"#
            let interval = #"{"time":"2026-01-01T00:00:00Z","min":1,"skipped":0}"#
            for right in [
                #"\#(start),"path":"/a","items":[\#(sample)]}"#,
                #"\#(start),"path":"/a","interval":"1m","items":[],"skipped":0}"#,
                #"\#(start),"series":[{"path":"/a","items":[\#(sample)]}]}"#,
                #"\#(start),"interval":"1m","series":[{"path":"/a","items":[\#(interval)]}]}"#,
            ] { #expect(faults(history, right) == [], "\(right)") }
            for wrong in [
                #"\#(start),"path":"/a","items":[\#(interval)]}"#,
                #"\#(start),"path":"/a","interval":"1m","items":[]}"#,
                #"\#(start),"path":"/a","series":[]}"#, #"\#(start),"series":[{"path":"/a","items":[\#(interval)]}]}"#,
                #"\#(start),"interval":"1m","series":[{"items":[]}]}"#,
            ] { #expect(!faults(history, wrong).isEmpty, "\(wrong)") }
            let twin = "/api/v1/twins/{thingId}"
            #expect(faults(twin, #"{"thingId":"a:b","attributes":{"x":{}}}"#) == [] && faults(twin, "{}") == [])
            #expect(!faults(twin, #"{"thingId":"a:b","coverage":1}"#).isEmpty)
            #expect(!faults("/api/v1/users/{userId}", #"{"userId":"7"}"#).isEmpty)
        }
    }
}
