import EgizTwin

extension QueryReader {
    /// Text that is compared with a column: not empty, and without U+0000, which Postgres' text refuses.
    mutating func storableText(_ name: String) -> String? {
        guard let value = filledText(name) else { return nil }
        if value.utf8.contains(0) {
            refuse(name, "\(name) contains U+0000, which no stored text has.")
            return nil
        }
        return value
    }

    /// A field selector; nil where none is given.
    mutating func fields(_ name: String) -> FieldSelector? {
        guard let value = filledText(name) else { return nil }
        do {
            return try FieldSelector(parsing: value)
        } catch {
            refuse(name, error.message)
            return nil
        }
    }

    /// A cursor that an earlier answer to the same question gave.
    mutating func cursor(_ kind: PageCursor.Kind, question: [String?]) -> PageCursor? {
        guard let value = filledText("cursor") else { return nil }
        if let cursor = PageCursor(kind, question: question, parsing: value) { return cursor }
        refuse(
            "cursor", "The cursor is not one of this list with these filters; leave it out to start from the beginning."
        )
        return nil
    }

    /// A time from 1970 to 2200, which is where samples can lie.
    mutating func time(_ name: String) -> EventTime? {
        guard let value = filledText(name) else { return nil }
        guard let time = TimeText.parse(value) else {
            refuse(name, "\(name) must be a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970.")
            return nil
        }
        guard time >= EventTime.earliest, time <= EventTime.latest else {
            refuse(
                name,
                "\(name) must lie between 1970-01-01 and 2200-01-01, where samples are; milliseconds, not seconds, since 1970."
            )
            return nil
        }
        return time
    }
}
