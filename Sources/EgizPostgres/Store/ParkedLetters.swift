import EgizCore
import EgizTwin

/// How many parked letters each thing of some tasks has: the things whose records wait.
enum ParkedLetters {
    static func count(of tasks: [TaskID], _ connection: PostgresConnection) throws(EngineError) -> [TaskID: [ThingID:
        Int]]
    {
        guard !tasks.isEmpty else { return [:] }
        let rows = try connection.query(
            """
            select mine.place, letter.thing_id, count(*)
            from unnest($1, $2) with ordinality as mine (stage, partition, place)
            join egiz.dead_letter letter on letter.stage = mine.stage and letter.partition = mine.partition
            where letter.disposition = 'parked' and letter.thing_id is not null
            group by mine.place, letter.thing_id
            """, [.textArray(tasks.map(\.stage.text)), .int64Array(tasks.map { Int64($0.partition) })])
        var parked: [TaskID: [ThingID: Int]] = [:]
        for row in rows {
            guard let place = row.int64(0), tasks.indices.contains(Int(place) - 1), let text = row.text(1),
                let thing = try? ThingID(validating: text), let number = row.int64(2)
            else { continue }
            parked[tasks[Int(place) - 1], default: [:]][thing] = Int(number)
        }
        return parked
    }
}
