package postgres

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/failover"
)

// failed completes an operation whose statement, which commits by itself, or whose COMMIT has failed. The error
// says what is to become of the session.
func failed(op history.Op, via protocols.Endpoint, err error) (history.Op, error) {
	switch {
	case pgconn.SafeToRetry(err):
		return protocols.NotSent(op, err), err
	case provesNoEffect(err):
		return protocols.Rejected(op, via, err), after(err)
	}
	return protocols.NoProof(op, via, err), after(err)
}

// undone completes an operation that has failed before its COMMIT was sent. The server undoes it.
func undone(op history.Op, via protocols.Endpoint, err error) (history.Op, error) {
	if isServerError(err) {
		return protocols.Rejected(op, via, err), after(err)
	}
	return protocols.NotSent(op, err), err
}

// isServerError says whether the server has answered with an error.
func isServerError(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e)
}

// provesNoEffect says whether the server has undone the transaction. It has when it reports an error and keeps the
// session, unless the error says otherwise or comes from a pooler that has lost the server.
func provesNoEffect(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.SeverityUnlocalized == "ERROR" && e.Code != "40003" && !strings.HasPrefix(e.Code, "08")
}

// after wraps an error after which another server may serve, and returns nil for one that the session survives.
func after(err error) error {
	var e *pgconn.PgError
	switch {
	case !errors.As(err, &e):
		return err
	case slices.Contains([]string{"25006", "57P01", "57P02", "57P03"}, e.Code):
		return failover.Down{Err: err}
	case e.SeverityUnlocalized == "ERROR":
		return nil
	}
	return err
}
