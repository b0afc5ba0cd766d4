package cleanup

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// Owner names the process that owns a run in such a way that another process
// can later find out whether it is gone. A bare pid would not do: pids are used
// again, and mean something else on another machine or in a container.
//
// As text it is pid:started:boot:namespace:host, where started is in the
// system's own units and boot changes with each start of the machine.
type Owner struct{ pid, started, boot, namespace, host string }

// String is what ParseOwner reads. It holds no spaces, so that it can be a label.
func (id Owner) String() string {
	return strings.Join([]string{id.pid, id.started, id.boot, id.namespace, id.host}, ":")
}

// ParseOwner is the inverse of Owner.String.
func ParseOwner(s string) (Owner, error) {
	f := strings.SplitN(s, ":", 5)
	if len(f) != 5 || f[0] == "" || f[1] == "" {
		return Owner{}, fmt.Errorf("%q is not the id of an owner: want pid:started:boot:namespace:host", s)
	}
	return Owner{f[0], f[1], f[2], f[3], f[4]}, nil
}

// Self is the present process.
var Self = sync.OnceValue(func() Owner {
	id := thisMachine()
	id.pid = fmt.Sprint(os.Getpid())
	id.started, _ = startTime(id.pid)
	return id
})

// Liveness is whether an owner still runs, as far as this process can see.
type Liveness string

// The answers. A process of another machine or pid namespace, which cannot be
// seen from here, is Unknown and must be taken for alive.
const (
	Alive   Liveness = "alive"
	Dead    Liveness = "dead"
	Unknown Liveness = "unknown"
)

// Liveness returns whether the process still runs.
func (id Owner) Liveness() Liveness {
	me := Self()
	switch {
	case id.host != me.host:
		return Unknown
	case id.boot != me.boot:
		return Dead
	case id.namespace != me.namespace:
		return Unknown
	}
	at, ok := startTime(id.pid)
	if !ok || at != id.started {
		return Dead
	}
	return Alive
}
