import EgizCore

/// Reads the counters of a task row: a flat object of names and integers, as `jsonb` prints it.
enum StoredCounters {
    static func parse(_ text: String) -> StepCounters {
        var counters = StepCounters()
        for member in text.split(whereSeparator: { $0 == "," || $0 == "{" || $0 == "}" }) {
            let parts = member.split(separator: ":")
            guard parts.count == 2, let value = Int64(parts[1].drop { $0 == " " }) else { continue }
            let name = parts[0].filter { $0 != "\"" && $0 != " " }
            counters.set(name, to: value)
        }
        return counters
    }
}
