package graph

import (
	"fmt"

	"greenroom/graph/generated"
	"greenroom/models"
)

// sessionQuery checks the arguments of a list of sessions.
func sessionQuery(first *int, after *string, last *int, before *string, filter *models.SessionFilter, order *generated.SessionOrder) (models.SessionQuery, error) {
	page, err := models.NewPage(models.SessionPrefix, first, after, last, before)
	if err != nil {
		return models.SessionQuery{}, err
	}
	list := models.SessionQuery{Page: page, Ascending: ascending(order)}
	if filter != nil {
		list.Filter = *filter
	}
	return list, list.Filter.Check()
}

// checkLast checks the `last` of a timeline; nil is all of it.
func checkLast(last *int) error {
	if last != nil && (*last < 1 || *last > models.MaxPageSize) {
		return models.Invalid(fmt.Sprintf("last must be 1 to %d", models.MaxPageSize), "last")
	}
	return nil
}
