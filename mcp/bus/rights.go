package bus

import (
	"github.com/nats-io/nats-server/v2/server"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// rights is what a user may do: publish to the streams, and read them through
// consumers. Whatever is not listed is refused. The streams are the platform's:
// who could purge one, or change its limits, would undo what was acknowledged.
//
// Users are equals: any of them may go on with a consumer whose name it knows.
// None may remove one, for that would forget how far it has acknowledged.
func (c Config) rights() *server.Permissions {
	var publish []string
	for _, s := range Streams() {
		publish = append(publish, c.taken(s),
			"$JS.API.STREAM.INFO."+s,
			"$JS.API.CONSUMER.CREATE."+s+".*",
			"$JS.API.CONSUMER.INFO."+s+".*",
			"$JS.API.CONSUMER.MSG.NEXT."+s+".*",
			"$JS.ACK."+s+".>",
		)
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: publish},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}}, // where the answers come
	}
}

// taken is the subject of users' messages where the server checks it: after
// its own mapping, of which there is one only with the defect.
func (c Config) taken(stream string) string {
	if c.AckEarly {
		return c.early(stream)
	}
	return api.Subject(stream)
}
