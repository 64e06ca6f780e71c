import Testing

/// The tests that need a database, one after the other: each has a database and several connections of its own.
@Suite(.serialized) enum DatabaseTests {}
