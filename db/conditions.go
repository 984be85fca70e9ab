package db

import (
	"database/sql"
	"slices"

	"gorm.io/gorm/clause"

	"greenroom/models"
)

// conditions are the WHERE of one query, all of which must hold. They are handed to gorm.G as
// a whole: conditions set on a *gorm.DB beforehand would be dropped by it without a word, an
// account's scope among them.
type conditions []clause.Expression

// and adds a condition. Its text is always a constant; values are bound.
func (c conditions) and(text string, values ...any) conditions {
	return append(slices.Clip(c), clause.Expr{SQL: text, Vars: values})
}

// at adds a condition that speaks of @now.
func (c conditions) at(now models.Time, text string, named ...sql.NamedArg) conditions {
	values := []any{sql.Named("now", now)}
	for _, n := range named {
		values = append(values, n)
	}
	return append(slices.Clip(c), clause.NamedExpr{SQL: text, Vars: values})
}

// where is the conditions as a clause, with others beside it.
func (c conditions) where(beside ...clause.Expression) []clause.Expression {
	if len(c) == 0 {
		return beside
	}
	return append([]clause.Expression{clause.Where{Exprs: c}}, beside...)
}

// inScope narrows a query of sessions to what the scope may see. A scope without an account
// would be every account's: a programming error, stopped here.
func inScope(scope models.Scope) conditions {
	c := ofAccount(scope.AccountID)
	if scope.SessionID != "" {
		c = c.and("id = ?", scope.SessionID)
	}
	return c
}

// avatarsInScope narrows a query of avatars to what the scope may see.
func avatarsInScope(scope models.Scope) conditions {
	c := ofAccount(scope.AccountID)
	if scope.AvatarID != "" {
		c = c.and("id = ?", scope.AvatarID)
	}
	return c
}

func ofAccount(id string) conditions {
	if id == "" {
		panic("db: a query without an account")
	}
	return conditions{}.and("account_id = ?", id)
}
