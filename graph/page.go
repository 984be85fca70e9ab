package graph

import (
	"fmt"
	"slices"
	"strings"

	"greenroom/graph/generated"
	"greenroom/models"
)

// maxListed is the most values in one condition of a filter.
const maxListed = 100

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
	return list, checkFilter(list.Filter)
}

// checkFilter refuses what would make a statement without bounds, and text that one of the
// databases cannot compare.
func checkFilter(f models.SessionFilter) error {
	for field, n := range map[string]int{
		"status": len(f.Status), "avatarId": len(f.AvatarID), "endUserId": len(f.EndUserID), "endReason": len(f.EndReason),
	} {
		if n > maxListed {
			return models.Invalid(fmt.Sprintf("at most %d values", maxListed), "filter", field)
		}
	}
	if slices.ContainsFunc(f.AvatarID, hasNUL) {
		return models.Invalid("a NUL character is in no id", "filter", "avatarId")
	}
	if slices.ContainsFunc(f.EndUserID, hasNUL) {
		return models.Invalid("a NUL character is in no id", "filter", "endUserId")
	}
	for key, value := range f.Metadata {
		if text, _ := value.(string); hasNUL(key) || hasNUL(text) {
			return models.Invalid("a NUL character is in no metadata", "filter", "metadata")
		}
	}
	return nil
}

func hasNUL(text string) bool { return strings.ContainsRune(text, 0) }

// checkLast checks the `last` of a timeline; nil is all of it.
func checkLast(last *int) error {
	if last != nil && (*last < 1 || *last > models.MaxPageSize) {
		return models.Invalid(fmt.Sprintf("last must be 1 to %d", models.MaxPageSize), "last")
	}
	return nil
}
