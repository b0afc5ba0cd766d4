package api

// Feed is the stream that the platform's message bus keeps.
const Feed = "feed"

// Subject is where messages for a stream of the bus are published.
func Subject(stream string) string { return "mcp." + stream }
