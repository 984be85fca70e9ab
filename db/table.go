package db

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"

	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"greenroom/models"
)

// A table is how rows of one type are written and read without GORM, which spends several times what
// the database does on spelling a statement. Which columns there are is GORM's
// word all the same: both read the type's tags.
type table[R any] struct {
	name, names string
	columns     []*schema.Field
	// into is how an INSERT begins, by how parameters are written.
	into map[bool]string
}

// The tables that every session's life writes or reads.
var (
	accounts        = tableOf[models.Account]()
	avatars         = tableOf[models.Avatar]()
	sessions        = tableOf[models.Session]()
	sessionEvents   = tableOf[models.SessionEvent]()
	accessTokens    = tableOf[accessToken]()
	idempotencyKeys = tableOf[IdempotencyKey]()
)

func tableOf[R any]() *table[R] {
	parsed, err := schema.Parse(new(R), &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		panic(err) // a type of this program
	}
	t := &table[R]{name: parsed.Table, names: strings.Join(parsed.DBNames, ", ")}
	for _, name := range parsed.DBNames {
		column := parsed.FieldsByDBName[name]
		if column.Serializer != nil {
			panic("db: " + t.name + "." + name + " is not stored as it is")
		}
		t.columns = append(t.columns, column)
	}
	t.into = map[bool]string{}
	for _, dollars := range []bool{false, true} {
		s := &statement{dollars: dollars}
		s.add("INSERT INTO "+t.name+" ("+t.names+") VALUES ?", make([]string, len(t.columns)))
		t.into[dollars] = string(s.text)
	}
	return t
}

// insert adds a row. What else the statement says, such as ON CONFLICT, stands in rest. That it
// cannot be may show with a later statement, or with the commit.
func (in *table[R]) insert(t *Tx, row *R, rest string, values ...any) error {
	s := t.statement()
	s.add(in.into[s.dollars])
	s.args = make([]any, 0, len(in.columns)+len(values))
	from := reflect.ValueOf(row).Elem()
	for _, column := range in.columns {
		s.args = append(s.args, in.value(column, from))
	}
	s.add(rest, values...)
	return t.send(s)
}

// find reads the one row that conditions keep, or answers models.ErrNotFound. With locks, nobody
// else changes it until the transaction ends.
func (in *table[R]) find(t *Tx, kept conditions, locks ...clause.Expression) (*R, error) {
	s := t.statement()
	s.add("SELECT " + in.names + " FROM " + in.name)
	s.where(kept)
	for _, lock := range locks {
		s.add(" FOR ")
		lock.Build(s)
	}
	found, err := t.first(s, len(in.columns))
	if err != nil {
		return nil, err
	}
	return in.row(found), nil
}

// behind reads so many rows that conditions keep, as they have been committed, with ids behind after
// and in their order. Sweeps read all that is going on in such steps.
func (in *table[R]) behind(ctx context.Context, s *Store, after string, limit int, kept conditions) ([]*R, error) {
	q := s.query(in.names, in.names, len(in.columns))
	q.add(in.name)
	q.where(kept.and("id > ?", after))
	q.add(" ORDER BY id LIMIT CAST(? AS BIGINT)", limit)
	var rows []*R
	err := s.run(ctx, q, func(found []value) { rows = append(rows, in.row(found)) })
	return rows, err
}

func (in *table[R]) row(found []value) *R {
	row := new(R)
	to := reflect.ValueOf(row).Elem()
	for i, column := range in.columns {
		assign(found[i], column.ReflectValueOf(context.Background(), to))
	}
	return row
}

// update writes a row that conditions keep, and tells how many there are. Only columns that are not
// as before are written, because an index of a column that is written is, too; when nobody knows what
// was before, all but those that never change. It cannot compare columns of bytes.
func (in *table[R]) update(t *Tx, before, after *R, kept conditions, never ...string) (int, error) {
	s := t.statement()
	s.add("UPDATE " + in.name + " SET ")
	to, separator := reflect.ValueOf(after).Elem(), ""
	for _, column := range in.columns {
		if slices.Contains(never, column.DBName) {
			continue
		}
		value := in.value(column, to)
		if before != nil && in.value(column, reflect.ValueOf(before).Elem()) == value {
			continue
		}
		s.add(separator + column.DBName + " = ")
		s.bind(value)
		separator = ", "
	}
	s.where(kept)
	return t.exec(s)
}

// value is what is bound for a column: nil, a string, an int64, a bool or bytes.
func (*table[R]) value(column *schema.Field, row reflect.Value) any {
	v := column.ReflectValueOf(context.Background(), row)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Bool:
		return v.Bool()
	case v.CanInt():
		return v.Int()
	default:
		return v.Bytes()
	}
}

// assign is value's counterpart.
func assign(from value, to reflect.Value) {
	if from.kind == kindNull {
		return // it is nil, or the zero value
	}
	if to.Kind() == reflect.Pointer {
		to.Set(reflect.New(to.Type().Elem()))
		to = to.Elem()
	}
	switch {
	case to.Kind() == reflect.String:
		to.SetString(from.text)
	case to.Kind() == reflect.Bool:
		to.SetBool(from.n != 0)
	case to.CanInt():
		to.SetInt(from.n)
	default:
		to.SetBytes([]byte(from.text))
	}
}
