import EgizCore
import EgizPostgres
import EgizTwin
import HummingbirdTesting
import NIOCore
import TestSupport
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// History as it is answered, against a map of time to last value.
    @Suite struct HistoryPropertyTests {
        private static let path = "/features/f/properties/t"

        /// Random epochs over about three weeks: overlapping, out of order, repeating times, kinds changing.
        private func fill(_ api: TestAPI, seed: UInt64, epochs: Int) throws -> [Int64: Double?] {
            var random = SeededGenerator(seed: seed)
            var truth: [Int64: Double?] = [:]
            let key = try TestAPI.key("ns:a", Self.path)
            for epoch in 0..<epochs {
                let numbers = SeriesColumn(series: key, kind: .number)
                let texts = SeriesColumn(series: key, kind: .text)
                let base =
                    TestAPI.start + Int64(epoch) * 4 * 3_600_000_000 + Int64.random(
                        in: -86_400...86_400, using: &random)
                    * TestAPI.second
                var taken: Set<Int64> = []
                for _ in 0..<Int.random(in: 1...60, using: &random) {
                    let time = base + Int64.random(in: 0...7200, using: &random) * 30 * TestAPI.second
                    guard taken.insert(time).inserted else { continue }
                    if Int.random(in: 0..<8, using: &random) == 0 {
                        texts.append(time: time, text: "x")
                        truth[time] = .some(nil)
                    } else {
                        let value = Double(Int.random(in: -1000...1000, using: &random)) / 4
                        numbers.append(time: time, number: value)
                        truth[time] = value
                    }
                }
                let columns = [numbers, texts].filter { !$0.isEmpty }
                for column in columns { column.seal() }
                try api.commit(columns: columns)
                // Now and then most of it is compacted: nobody may notice.
                guard seed % 3 != 0, epoch % 13 == 12 else { continue }
                let closed = base - Int64.random(in: 0...20, using: &random) * 3_600_000_000
                _ = try HistoryCompactor(api.connection).pass(upTo: EventTime(microseconds: closed)) { _, _ in true }
            }
            return truth
        }

        @Test(arguments: [1, 2, 3] as [UInt64])
        func rawPagesEqualTheLastValuesOfEachTime(seed: UInt64) async throws {
            let api = try TestAPI()
            let truth = try fill(api, seed: seed, epochs: 80)
            var random = SeededGenerator(seed: seed + 100)
            for _ in 0..<12 {
                let from = TestAPI.start + Int64.random(in: -200_000...1_500_000, using: &random) * TestAPI.second
                let to = from + Int64.random(in: 1...900_000, using: &random) * TestAPI.second
                let limit = [1, 7, 100, 10_000].randomElement(using: &random) ?? 7
                let expected = truth.filter { $0.key >= from && $0.key < to }.sorted { $0.key < $1.key }.prefix(
                    limit == 1 ? 30 : .max)
                var found: [String] = []
                var cursor = ""
                repeat {
                    let page = try await api.json(
                        "/api/v1/twins/ns:a/history?path=\(Self.path)&from=\(from / 1000)&to=\(to / 1000)&limit=\(limit)\(cursor)"
                    )
                    let items = page["items"]?.array ?? []
                    #expect(items.count <= limit)
                    found += items.map { "\($0["time"]?.string ?? "") \($0["value"]?.text ?? "")" }
                    cursor = page["cursor"]?.string.map { "&cursor=\($0)" } ?? ""
                } while !cursor.isEmpty && found.count < expected.count
                #expect(
                    found
                        == expected.map {
                            "\(EventTime(microseconds: $0.key).text) \($0.value.map(NumberText.text) ?? "\"x\"")"
                        })
            }
        }

        @Test(arguments: [4, 5, 6] as [UInt64])
        func aggregatesEqualANaiveComputation(seed: UInt64) async throws {
            let api = try TestAPI()
            let truth = try fill(api, seed: seed, epochs: 60)
            var random = SeededGenerator(seed: seed + 100)
            for interval in ["30s", "7m", "1h", "1d", "1w"] {
                let length = try #require(IntervalText.microseconds(interval))
                let from = TestAPI.start + Int64.random(in: -100_000...900_000, using: &random) * TestAPI.second
                let to = min(
                    from + Int64.random(in: 1...900_000, using: &random) * TestAPI.second, from + 9_000 * length)
                var buckets: [Int64: [(Int64, Double?)]] = [:]
                for (time, value) in truth where time >= from && time < to {
                    buckets[time / length * length, default: []].append((time, value))
                }
                let expected = buckets.sorted { $0.key < $1.key }.map { start, samples in
                    let numbers = samples.sorted { $0.0 < $1.0 }.compactMap(\.1)
                    let sum = numbers.reduce(0, +)
                    let parts: [(String, Double?)] = [
                        ("min", numbers.min()), ("max", numbers.max()),
                        ("avg", numbers.isEmpty ? nil : sum / Double(numbers.count)),
                        ("sum", numbers.isEmpty ? nil : sum), ("first", numbers.first), ("last", numbers.last),
                    ]
                    let texts = parts.map { "\"\($0.0)\":\($0.1.map(NumberText.text) ?? "null")" }.joined(
                        separator: ",")
                    return "{\"time\":\"\(EventTime(microseconds: start).text)\",\(texts),\"count\":\(numbers.count),"
                        + "\"skipped\":\(samples.count - numbers.count)}"
                }
                for limit in [10_000, 5] {
                    var found: [String] = []
                    var cursor = ""
                    repeat {
                        let page = try await api.get(
                            """
                            /api/v1/twins/ns:a/history?path=\(Self.path)&from=\(from / 1000)&to=\(to / 1000)&interval=\(interval)\
                            &aggregate=min,max,avg,sum,first,last,count&limit=\(limit)\(cursor)
                            """)
                        let json = try JSONParser().parse(Array(buffer: page.body))
                        // The texts of the items as they were sent: quarters and their sums are exact, so are their digits.
                        found += json["items"]?.array?.map(Self.compact) ?? ["\(page.text)"]
                        cursor = json["cursor"]?.string.map { "&cursor=\($0)" } ?? ""
                    } while !cursor.isEmpty && found.count < 40
                    #expect(found == Array(expected.prefix(found.count)))
                    #expect(limit == 5 || found.count == expected.count)
                }
            }
        }

        private static func compact(_ item: JSONValue) -> String {
            let members = (item.object ?? JSONObject()).map { name, value in
                let text: String =
                    switch value {
                    case .double(let number): NumberText.text(number)
                    default: value.text
                    }
                return "\"\(name)\":\(text)"
            }
            return "{\(members.joined(separator: ","))}"
        }
    }
}
