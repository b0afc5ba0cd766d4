package faults

// Direction is which bytes a fault of links disturbs, seen from the nodes
// chosen by `on`.
type Direction string

// The directions. The zero value is Both.
const (
	Both Direction = "both"
	To   Direction = "to"   // what `on` sends to `to`
	From Direction = "from" // what `on` receives from `to`
)

func (d Direction) orBoth() Direction {
	if d == "" {
		return Both
	}
	return d
}

func (d Direction) describe() string {
	switch d {
	case To:
		return "outgoing only"
	case From:
		return "incoming only"
	default:
		return "both ways"
	}
}

func (d Direction) validate() error {
	return oneOf("direction", string(d), "", string(Both), string(To), string(From))
}
