package dbtest

import (
	"context"
	"errors"
)

// Borrow is [Postgres] for a program that is no test: an empty database in a throw-away cluster,
// which giveBack stops and removes. A program that is killed takes its server with it.
func Borrow(ctx context.Context) (dsn string, giveBack func() error, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, name, err := shared.use(ctx)
	if err != nil {
		return "", nil, err
	}
	if err := c.exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", nil, errors.Join(err, shared.release())
	}
	return c.dsn(name), shared.release, nil
}
