package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mcp-resilience/holdfast/history"
)

// Tables is the definition of the tables.
const Tables = `CREATE TABLE IF NOT EXISTS holdfast_register (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS holdfast_set (key text, element text, PRIMARY KEY (key, element));
CREATE TABLE IF NOT EXISTS holdfast_list (key text PRIMARY KEY, items text[] NOT NULL);
CREATE TABLE IF NOT EXISTS holdfast_account (bank text, account text, balance bigint NOT NULL, PRIMARY KEY (bank, account));
`

const (
	debit  = `UPDATE holdfast_account SET balance = balance - $3::bigint WHERE bank = $1 AND account = $2 AND balance >= $3::bigint`
	credit = `UPDATE holdfast_account SET balance = balance + $3::bigint WHERE bank = $1 AND account = $2`
)

// statement is how an operation is said in one statement, or "".
func statement(op history.Op) (sql string, args []string) {
	switch op.Kind {
	case history.Read:
		return `SELECT value FROM holdfast_register WHERE key = $1`, []string{op.Key}
	case history.Write:
		return `INSERT INTO holdfast_register VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value`, []string{op.Key, op.Value}
	case history.CAS:
		if op.Expect == "" {
			return `INSERT INTO holdfast_register VALUES ($1, $2) ON CONFLICT DO NOTHING`, []string{op.Key, op.Value}
		}
		return `UPDATE holdfast_register SET value = $2 WHERE key = $1 AND value = $3`, []string{op.Key, op.Value, op.Expect}
	case history.Add:
		return `INSERT INTO holdfast_set VALUES ($1, $2) ON CONFLICT DO NOTHING`, []string{op.Key, op.Value}
	case history.SetRead:
		return `SELECT element FROM holdfast_set WHERE key = $1`, []string{op.Key}
	case history.Append:
		return `INSERT INTO holdfast_list VALUES ($1, ARRAY[$2]) ON CONFLICT (key) DO UPDATE SET items = holdfast_list.items || EXCLUDED.items`, []string{op.Key, op.Value}
	case history.Put:
		return `INSERT INTO holdfast_list VALUES ($1, ARRAY[$2]) ON CONFLICT (key) DO UPDATE SET items = EXCLUDED.items`, []string{op.Key, op.Value}
	case history.ListRead:
		return `SELECT item FROM holdfast_list, unnest(items) WITH ORDINALITY AS i (item, place) WHERE key = $1 ORDER BY place`, []string{op.Key}
	case history.Open:
		return `INSERT INTO holdfast_account SELECT $1, a, $2::bigint FROM unnest($3::text[]) AS a ON CONFLICT DO NOTHING`,
			[]string{op.Key, strconv.FormatInt(op.Amount, 10), array(op.Set)}
	case history.Balances:
		return `SELECT account || '=' || balance FROM holdfast_account WHERE bank = $1`, []string{op.Key}
	}
	return "", nil
}

// array writes texts as PostgreSQL writes an array.
func array(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(t) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

// createTables makes the tables that are missing. Two clients that make one at the same time get an
// error of each other, after which it is there.
func (c *session) createTables(ctx context.Context) error {
	var err error
	for range 5 {
		if _, err = c.simple(ctx, Tables); err == nil {
			return nil
		}
		var e *pgconn.PgError
		if !errors.As(err, &e) || !slices.Contains([]string{"23505", "42P07", "42710", "XX000"}, e.Code) {
			break
		}
	}
	return fmt.Errorf("create the tables: %w", err)
}
