package db

import (
	"reflect"
	"strconv"

	"gorm.io/gorm/clause"

	"greenroom/models"
)

// A statement is one that goes to the database without GORM, with what is bound to it. Its
// conditions are the same that GORM's statements have.
type statement struct {
	text []byte
	args []any
	// dollars: parameters are $1, $2 … and not ?.
	dollars bool
}

var _ clause.Builder = (*statement)(nil)

// add writes constant text, which may have parameters.
func (s *statement) add(text string, values ...any) {
	if len(values) == 0 {
		s.text = append(s.text, text...)
		return
	}
	clause.Expr{SQL: text, Vars: values}.Build(s)
}

// where writes conditions, all of which must hold.
func (s *statement) where(all conditions) {
	for i, condition := range all {
		if i == 0 {
			s.add(" WHERE (")
		} else {
			s.add(" AND (")
		}
		condition.Build(s)
		s.add(")")
	}
}

// WriteByte, and what follows, is a clause.Builder's.
func (s *statement) WriteByte(b byte) error {
	s.text = append(s.text, b)
	return nil
}

// WriteString is a clause.Builder's.
func (s *statement) WriteString(text string) (int, error) {
	s.text = append(s.text, text...)
	return len(text), nil
}

// WriteQuoted is never reached: conditions are constant text.
func (s *statement) WriteQuoted(any) { panic("db: a condition quotes a name") }

// AddError is a clause.Builder's.
func (s *statement) AddError(err error) error { return err }

// AddVar writes a parameter for each value; a list's stand in parentheses.
func (s *statement) AddVar(_ clause.Writer, values ...any) {
	for i, v := range values {
		if i > 0 {
			s.add(",")
		}
		s.bind(v)
	}
}

func (s *statement) bind(v any) {
	switch v := v.(type) {
	case string:
		s.parameter(v)
	case models.Time:
		s.parameter(int64(v))
	case int:
		s.parameter(int64(v))
	case nil, int64, float64, bool, []byte:
		s.parameter(v)
	default:
		s.reflect(reflect.ValueOf(v))
	}
}

func (s *statement) reflect(v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		s.parameter(v.String())
	case v.CanInt():
		s.parameter(v.Int())
	case v.Kind() == reflect.Slice && v.Len() == 0:
		s.add("(NULL)")
	case v.Kind() == reflect.Slice:
		s.add("(")
		for i := range v.Len() {
			if i > 0 {
				s.add(",")
			}
			s.bind(v.Index(i).Interface())
		}
		s.add(")")
	default:
		panic("db: a statement binds a " + v.Type().String())
	}
}

func (s *statement) parameter(v any) {
	s.args = append(s.args, v)
	if !s.dollars {
		s.text = append(s.text, '?')
		return
	}
	s.text = strconv.AppendInt(append(s.text, '$'), int64(len(s.args)), 10)
}
