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
	return models.NewSessionQuery(page, filter, ascending(order))
}

// checkLast checks the `last` of a timeline; nil is all of it.
func checkLast(last *int) error {
	if last != nil && (*last < 1 || *last > models.MaxPageSize) {
		return models.Invalid(fmt.Sprintf("last must be 1 to %d", models.MaxPageSize), "last")
	}
	return nil
}
