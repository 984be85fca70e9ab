package graph

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"

	"greenroom/graph/scalar"
)

// gqlgen coerces an argument when its field runs: a mutation before it in the same operation is
// committed by then, and the answer has data. So everything that a client gives is coerced here
// first, by the same functions: what is written in the document when that is validated, and
// variables before each operation.

// coercers read the leaves of input, by the names of their types.
var coercers = map[string]func(any) error{
	"Int":               only(scalar.UnmarshalInt),
	"String":            only(scalar.UnmarshalString),
	"ID":                only(scalar.UnmarshalID),
	"Boolean":           only(unmarshalBoolean),
	"DateTime":          only(scalar.UnmarshalDateTime),
	"JSONObject":        only(scalar.UnmarshalJSONObject),
	"SessionStatus":     only(scalar.UnmarshalSessionStatus),
	"SessionEndReason":  only(scalar.UnmarshalSessionEndReason),
	"SessionOrderField": only(scalar.UnmarshalSessionOrderField),
	"OrderDirection":    only(scalar.UnmarshalOrderDirection),
	"WebhookEventType":  only(scalar.UnmarshalWebhookEventType),
}

func only[T any](unmarshal func(any) (T, error)) func(any) error {
	return func(v any) error {
		_, err := unmarshal(v)
		return err
	}
}

// unmarshalBoolean takes nothing else for a Boolean; gqlgen's own would take text.
func unmarshalBoolean(v any) (bool, error) {
	b, ok := v.(bool)
	if !ok {
		return false, scalar.CoercionError("a Boolean is true or false")
	}
	return b, nil
}

// literalsCoerce is a validation rule: a value that is written in the document can be read as
// what its place asks for. As GraphQL has it, that holds for skipped fields, for operations that
// are not asked for and for default values too.
func literalsCoerce(observers *core.Events, addError core.AddErrFunc) {
	refused := map[*ast.Value]bool{} // a fragment is walked for each operation, and for itself
	observers.OnValue(func(_ *core.Walker, value *ast.Value) {
		if value.ExpectedType == nil || value.Definition == nil || refusedElsewhere(value) {
			return
		}
		coerce := coercers[value.Definition.Name]
		given, err := value.Value(nil)
		if coerce == nil || err != nil { // numbersInRange has its say about such a number
			return
		}
		if err := coerce(given); err != nil && !refused[value] {
			refused[value] = true
			addError(core.Message("%s", err.Error()), core.At(value.Position))
		}
	})
}

// refusedElsewhere tells of values that other rules look at, so that no error comes twice. The
// library's own rule leaves out scalars that it does not know, how large an Int is, and `{}`.
func refusedElsewhere(value *ast.Value) bool {
	library := value.Definition.Kind == ast.Enum || value.Definition.OneOf("Int", "Float", "String", "Boolean", "ID")
	switch value.Kind {
	case ast.Variable, ast.NullValue:
		return true
	case ast.ListValue:
		return library || value.ExpectedType.Elem != nil // else its elements are looked at
	case ast.ObjectValue:
		return library && len(value.Children) > 0
	case ast.IntValue:
		return library && value.Definition.Name != "Int"
	default:
		return library
	}
}

// coerceVariables refuses an operation whose variables cannot be read. The error's path names the
// variable and what is wrong in it, as those of the library do.
func coerceVariables(schema *ast.Schema, op *graphql.OperationContext) *gqlerror.Error {
	nulls := false
	for _, variable := range op.Operation.VariableDefinitions {
		value, given := op.Variables[variable.Variable]
		nulls = nulls || given && value == nil && variable.DefaultValue != nil
		if !given {
			continue
		}
		if path, err := coerceValue(schema, variable.Type, value); err != nil {
			return uncoercible(err, variable.Position, inside(ast.PathName("variable"), inside(ast.PathName(variable.Variable), path)))
		}
	}
	if nulls {
		return (&nullUses{op: op, seen: map[string]bool{}}).selection(op.Operation.SelectionSet)
	}
	return nil
}

func uncoercible(err error, at *ast.Position, path ast.Path) *gqlerror.Error {
	return &gqlerror.Error{
		Err: err, Message: err.Error(), Path: path,
		Locations: []gqlerror.Location{{Line: at.Line, Column: at.Column}},
	}
}

const errNull = scalar.CoercionError("must not be null")

// coerceValue reads a value as the type asks. With an error comes the path to where it is wrong.
func coerceValue(schema *ast.Schema, typ *ast.Type, value any) (ast.Path, error) {
	if value == nil {
		if typ.NonNull {
			return nil, errNull
		}
		return nil, nil
	}
	if typ.Elem != nil {
		for i, element := range graphql.CoerceList(value) {
			if path, err := coerceValue(schema, typ.Elem, element); err != nil {
				return inside(ast.PathIndex(i), path), err
			}
		}
		return nil, nil
	}
	if coerce := coercers[typ.NamedType]; coerce != nil {
		return nil, coerce(value)
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, scalar.CoercionError("must be an object")
	}
	for _, field := range schema.Types[typ.NamedType].Fields {
		member, given := object[field.Name]
		if !given {
			continue
		}
		if path, err := coerceValue(schema, field.Type, member); err != nil {
			return inside(ast.PathName(field.Name), path), err
		}
	}
	return nil, nil
}

func inside(step ast.PathElement, path ast.Path) ast.Path { return append(ast.Path{step}, path...) }

// nullUses looks where a variable may stand that has a default value and was given null: the
// validator let it stand where null is not allowed.
type nullUses struct {
	op   *graphql.OperationContext
	seen map[string]bool // fragments
}

func (n *nullUses) selection(set ast.SelectionSet) *gqlerror.Error {
	for _, selection := range set {
		var refused *gqlerror.Error
		switch s := selection.(type) {
		case *ast.Field:
			if refused = n.arguments(s.Arguments, s.Directives); refused == nil {
				refused = n.selection(s.SelectionSet)
			}
		case *ast.InlineFragment:
			if refused = n.arguments(nil, s.Directives); refused == nil {
				refused = n.selection(s.SelectionSet)
			}
		case *ast.FragmentSpread:
			if refused = n.arguments(nil, s.Directives); refused == nil && !n.seen[s.Name] {
				n.seen[s.Name] = true
				refused = n.selection(s.Definition.SelectionSet)
			}
		}
		if refused != nil {
			return refused
		}
	}
	return nil
}

func (n *nullUses) arguments(arguments ast.ArgumentList, directives ast.DirectiveList) *gqlerror.Error {
	for _, argument := range arguments {
		if refused := n.value(argument.Value); refused != nil {
			return refused
		}
	}
	for _, directive := range directives {
		if refused := n.arguments(directive.Arguments, nil); refused != nil {
			return refused
		}
	}
	return nil
}

func (n *nullUses) value(v *ast.Value) *gqlerror.Error {
	if v.Kind == ast.Variable && v.ExpectedType != nil && v.ExpectedType.NonNull && n.op.Variables[v.Raw] == nil {
		return uncoercible(errNull, v.Position, ast.Path{ast.PathName("variable"), ast.PathName(v.Raw)})
	}
	for _, child := range v.Children {
		if refused := n.value(child.Value); refused != nil {
			return refused
		}
	}
	return nil
}

// spellInts gives whole numbers for Ints their plain spelling: 1.0 and 1e3 are as good as 1 and
// 1000 to GraphQL, whose clients may have one type of number only, but not to the library.
// Numbers within a JSONObject stay as they are spelled.
func spellInts(schema *ast.Schema, op *ast.OperationDefinition, variables map[string]any) {
	for _, variable := range op.VariableDefinitions {
		if value, given := variables[variable.Variable]; given {
			variables[variable.Variable] = spellInt(schema, variable.Type, value)
		}
	}
}

// spellInt gives the value as it should be spelled, and changes those that are inside it.
func spellInt(schema *ast.Schema, typ *ast.Type, value any) any {
	switch v := value.(type) {
	case json.Number:
		if typ.Name() == "Int" {
			return plain(v)
		}
	case []any:
		if typ.Elem != nil {
			for i := range v {
				v[i] = spellInt(schema, typ.Elem, v[i])
			}
		}
	case map[string]any:
		// The document is not yet validated: the type may not exist.
		definition := schema.Types[typ.Name()]
		if definition == nil || definition.Kind != ast.InputObject {
			break
		}
		for _, field := range definition.Fields {
			if member, given := v[field.Name]; given {
				v[field.Name] = spellInt(schema, field.Type, member)
			}
		}
	}
	return value
}

// plain spells a whole number within 32 bits without point and exponent.
func plain(number json.Number) json.Number {
	if _, err := number.Int64(); err == nil {
		return number
	}
	f, err := number.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > math.MaxInt32+1 {
		return number
	}
	return json.Number(strconv.FormatInt(int64(f), 10))
}
