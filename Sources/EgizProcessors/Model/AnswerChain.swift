import EgizCore
import EgizTwin

/// Tasks that are asked on answers of other tasks (`alsoOn` of a fan-out): a chain of models, which must not come round.
enum AnswerChain {
    /// The paths, as segments.
    static func alsoOn(_ reader: SettingsReader) throws(TopologyFaults) -> [[String]] {
        var paths: [[String]] = []
        for text in try reader.texts("alsoOn") {
            do throws(ExpressionFault) {
                paths.append(try Expression(path: text).paths.first ?? [])
            } catch {
                throw reader.fault(at: reader.value("alsoOn")?.mark ?? reader.mark, "\(reader.path).alsoOn: \(error)")
            }
        }
        return paths
    }

    /// One of them is, or is within, the other.
    static func touches(_ a: [String], _ b: [String]) -> Bool { ModelTask.isBelow(a, b) || ModelTask.isBelow(b, a) }

    private struct Link {
        var name: String
        var alsoOn: [[String]]
        /// Where its answers come to.
        var answers: [[String]]
    }

    static func check(_ definition: ProcessorDefinition, _ others: [ProcessorDefinition]) -> [TopologyFault] {
        let reader = SettingsReader(definition)
        guard let first = (try? alsoOn(reader)), !first.isEmpty else { return [] }
        let all = [definition] + others
        let writes = all.filter { $0.kind == PredictionWriter.spec.kind }.flatMap { PredictionWriter.writes(of: $0) }
        let links = all.filter { $0.kind == FanOut.spec.kind }.map { link(of: $0, writes) }
        // Whom each answer asks in turn, until it comes back.
        var came: [Int: Int] = [:]
        var queue = [0]
        var next = 0
        while next < queue.count {
            let place = queue[next]
            next += 1
            for (other, link) in links.enumerated() where asks(links[place], link) {
                guard other != 0 else { return [fault(reader, links, from: place, came)] }
                guard came[other] == nil else { continue }
                came[other] = place
                queue.append(other)
            }
        }
        return []
    }

    private static func link(of definition: ProcessorDefinition, _ writes: [WriteBack]) -> Link {
        let reader = SettingsReader(definition)
        let task = try? reader.text("task")
        let own = (try? reader.path("writeTo"))?.paths.first
        return Link(
            name: definition.name, alsoOn: (try? alsoOn(reader)) ?? [],
            answers: (own.map { [$0] } ?? []) + writes.filter { $0.task == task }.map(\.path))
    }

    private static func asks(_ a: Link, _ b: Link) -> Bool {
        a.answers.contains { answer in b.alsoOn.contains { touches($0, answer) } }
    }

    private static func fault(_ reader: SettingsReader, _ links: [Link], from last: Int, _ came: [Int: Int])
        -> TopologyFault
    {
        var way = [links[last].name]
        var place = last
        while place != 0, let before = came[place] {
            way.append(links[before].name)
            place = before
        }
        let circle = (way.reversed() + [links[0].name]).map { "`\($0)`" }.joined(separator: " asks ")
        return TopologyFault(
            at: reader.value("alsoOn")?.mark ?? reader.mark,
            "`processors.\(links[0].name).alsoOn`: answers go round for ever: \(circle); leave one of these paths out")
    }
}
