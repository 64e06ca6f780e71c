import EgizPostgres
import EgizTwin

extension QueryReader {
    /// True or false; nil where the parameter is not given.
    mutating func optionalFlag(_ name: String) -> Bool? {
        guard let text = filledText(name) else { return nil }
        if text == "true" || text == "false" { return text == "true" }
        refuse(name, "\(name) must be true or false.")
        return nil
    }

    mutating func thing(_ name: String) -> ThingID? {
        guard let text = storableText(name) else { return nil }
        if let thing = try? ThingID(validating: text) { return thing }
        refuse(name, "\(name) must be a thing id, <namespace>:<name>, such as com.example:filler-1.")
        return nil
    }

    /// The id of a project.
    mutating func project(_ name: String) -> ProjectID? {
        guard let text = filledText(name) else { return nil }
        if let project = ProjectID(text) { return project }
        refuse(name, "\(name) must be the id of a project, a UUID.")
        return nil
    }

    /// A filter of the search; nil where none is given.
    mutating func filter(_ name: String) -> TwinFilter? {
        guard let text = filledText(name) else { return nil }
        do throws(FilterParser.SyntaxError) {
            return try FilterParser.parse(text)
        } catch {
            refuse(name, error.message)
            return nil
        }
    }

    /// A positive number that a resource is called by.
    mutating func version(_ name: String) -> Int64? {
        guard let text = filledText(name) else { return nil }
        if let number = Int64(text), number > 0 { return number }
        refuse(name, "\(name) must be a whole number from 1 on.")
        return nil
    }
}
