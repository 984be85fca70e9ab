package plan

import (
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/graph/scalar"
	"greenroom/models"
)

// Arguments have been coerced once, when the operation was let in. What is read here and found wrong
// is left to the generated executor, which says so to the client.

// errRefused is an argument that the operation is refused for.
var errRefused = errors.New("an argument is refused")

// arguments are those of one field.
type arguments struct {
	of *ast.Field
	// fixed are the arguments of a field that no variable stands in; nil when one does.
	fixed map[string]any
}

func (c *compiler) arguments(f graphql.CollectedField) arguments {
	a := arguments{of: f.Field}
	for _, argument := range f.Arguments {
		if hasVariable(argument.Value) {
			return a
		}
	}
	a.fixed = f.ArgumentMap(nil)
	return a
}

func hasVariable(v *ast.Value) bool {
	if v.Kind == ast.Variable {
		return true
	}
	for _, child := range v.Children {
		if hasVariable(child.Value) {
			return true
		}
	}
	return false
}

func (a arguments) values(x *run) map[string]any {
	if a.fixed != nil {
		return a.fixed
	}
	return a.of.ArgumentMap(x.variables)
}

func (a arguments) integer(x *run, name string) (*int, error) {
	return optional(a.values(x)[name], scalar.UnmarshalInt)
}

func (a arguments) id(x *run) (string, error) { return scalar.UnmarshalID(a.values(x)["id"]) }

// page reads what every connection takes.
func page(values map[string]any, prefix string) (models.Page, error) {
	first, err1 := optional(values["first"], scalar.UnmarshalInt)
	after, err2 := optional(values["after"], scalar.UnmarshalString)
	last, err3 := optional(values["last"], scalar.UnmarshalInt)
	before, err4 := optional(values["before"], scalar.UnmarshalString)
	if err := firstOf(err1, err2, err3, err4); err != nil {
		return models.Page{}, err
	}
	return models.NewPage(prefix, first, after, last, before)
}

func (a arguments) sessions(x *run) (q models.SessionQuery, err error) {
	values := a.values(x)
	p, err := page(values, models.SessionPrefix)
	if err != nil {
		return q, err
	}
	filter, err := optional(values["filter"], sessionFilter)
	if err != nil {
		return q, err
	}
	ascending := false
	if order, given := values["orderBy"].(map[string]any); given {
		direction, err := scalar.UnmarshalOrderDirection(order["direction"])
		if err != nil {
			return q, err
		}
		ascending = direction == scalar.Ascending
	}
	return models.NewSessionQuery(p, filter, ascending)
}

func sessionFilter(v any) (f models.SessionFilter, err error) {
	object, ok := v.(map[string]any)
	if !ok {
		return f, errRefused
	}
	known := 0
	for name, read := range map[string]func(any) error{
		"status":        into(&f.Status, list(scalar.UnmarshalSessionStatus)),
		"avatarId":      into(&f.AvatarID, list(scalar.UnmarshalID)),
		"endUserId":     into(&f.EndUserID, list(scalar.UnmarshalString)),
		"endReason":     into(&f.EndReason, list(scalar.UnmarshalSessionEndReason)),
		"createdAfter":  into(&f.CreatedAfter, pointer(scalar.UnmarshalDateTime)),
		"createdBefore": into(&f.CreatedBefore, pointer(scalar.UnmarshalDateTime)),
		"metadata":      into(&f.Metadata, scalar.UnmarshalJSONObject),
	} {
		value, given := object[name]
		if !given {
			continue
		}
		known++
		if value == nil {
			continue
		}
		if err := read(value); err != nil {
			return f, err
		}
	}
	if known != len(object) {
		return f, errRefused // a member that this does not know
	}
	return f, nil
}

func (a arguments) avatars(x *run) (q models.AvatarQuery, err error) {
	values := a.values(x)
	if q.Page, err = page(values, models.AvatarPrefix); err != nil {
		return q, err
	}
	filter, given := values["filter"].(map[string]any)
	if !given {
		return q, nil
	}
	for name, value := range filter {
		switch name {
		case "archived":
			q.Filter.Archived, err = optional(value, graphql.UnmarshalBoolean)
		case "nameContains":
			q.Filter.NameContains, err = optional(value, scalar.UnmarshalString)
		default:
			err = errRefused
		}
		if err != nil {
			return q, err
		}
	}
	return q, nil
}

// optional reads a value unless it is null or not given.
func optional[T any](v any, read func(any) (T, error)) (*T, error) {
	if v == nil {
		return nil, nil
	}
	value, err := read(v)
	return &value, err
}

func pointer[T any](read func(any) (T, error)) func(any) (*T, error) {
	return func(v any) (*T, error) { return optional(v, read) }
}

// list reads a list, for which a single value stands, too.
func list[T any](read func(any) (T, error)) func(any) ([]T, error) {
	return func(v any) ([]T, error) {
		given := graphql.CoerceList(v)
		values := make([]T, len(given))
		for i := range given {
			var err error
			if values[i], err = read(given[i]); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
}

func into[T any](to *T, read func(any) (T, error)) func(any) error {
	return func(v any) (err error) {
		*to, err = read(v)
		return err
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
