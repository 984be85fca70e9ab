package db

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// staleConns is how many connections a read tries that turn out to be gone before anything was sent.
const staleConns = 3

// postgresRead reads with the driver behind GORM's pool, which keeps statements prepared: database/sql
// would convert each value twice.
type postgresRead struct{ pool *sql.DB }

func (postgresRead) close() error { return nil } // it is GORM's too, and closed with that

func (p postgresRead) read(ctx context.Context, q *query, row func([]value)) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	q.whole = append(q.selecting("SELECT ", q.columns, " FROM "), q.text...)
	var err error
	for range staleConns {
		if err = p.once(ctx, q, row); !pgconn.SafeToRetry(err) && !outdated(err) {
			break
		}
	}
	return err
}

// outdated tells that the schema is not that for which a statement was prepared. There were no rows.
func outdated(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "0A000"
}

func (p postgresRead) once(ctx context.Context, q *query, row func([]value)) error {
	conn, err := p.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it goes back
	return onDriver(conn, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, string(q.whole), q.args...)
		if err != nil {
			return err
		}
		return receive(rows, q.values, row)
	})
}

// onDriver does something on the driver's own connection.
func onDriver(conn *sql.Conn, do func(*pgx.Conn) error) error {
	return conn.Raw(func(conn any) error {
		c, ok := conn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("postgres: the connection is a %T", conn)
		}
		return do(c.Conn())
	})
}

// receive hands out rows, and closes them. The slice given to row is used again.
func receive(rows pgx.Rows, values []value, row func([]value)) error {
	defer rows.Close()
	if err := rows.Err(); err != nil {
		return err // of a batch: the driver hands over rows all the same, with nothing behind them
	}
	types, fields := rows.Conn().TypeMap(), rows.FieldDescriptions()
	for rows.Next() {
		for i, raw := range rows.RawValues() {
			if err := values[i].receive(types, &fields[i], raw); err != nil {
				return err
			}
		}
		row(values)
	}
	return rows.Err()
}

// receive takes a value as PostgreSQL has sent it. Nearly all are text or eight bytes of an integer.
func (v *value) receive(types *pgtype.Map, field *pgconn.FieldDescription, raw []byte) error {
	switch of := field.DataTypeOID; {
	case raw == nil:
		*v = value{kind: kindNull}
	case of == pgtype.TextOID:
		*v = value{kind: kindText, text: string(raw)}
	case of == pgtype.Int8OID && field.Format == pgtype.BinaryFormatCode:
		*v = value{kind: kindInteger, n: int64(binary.BigEndian.Uint64(raw))} //nolint:gosec // G115: the bits of an int64
	default:
		return types.Scan(of, field.Format, raw, v)
	}
	return nil
}
