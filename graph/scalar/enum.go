package scalar

import (
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"greenroom/models"
)

// An OrderDirection is which way to sort.
type OrderDirection string

// The directions.
const (
	Ascending  OrderDirection = "ASC"
	Descending OrderDirection = "DESC"
)

// A SessionOrderField is what sessions can be sorted by.
type SessionOrderField string

// ByCreatedAt is the only order so far.
const ByCreatedAt SessionOrderField = "CREATED_AT"

// The values that clients may give; a test compares them with the schema. Variables reach
// this place in whatever case, so this is where a wrong spelling is refused.
var (
	statuses = []models.SessionStatus{models.StatusCreated, models.StatusStarted, models.StatusEnded}

	endReasons = []models.EndReason{
		models.EndClient, models.EndExpired, models.EndNeverStarted, models.EndParticipantsLeft,
		models.EndAvatarLost, models.EndProvisionFailed, models.EndOperator, models.EndQuotaExhausted,
	}

	webhookEvents = []models.WebhookEventType{
		models.WebhookSessionCreated, models.WebhookSessionStarted, models.WebhookSessionExpiring,
		models.WebhookSessionEnded, models.WebhookTest,
	}

	directions  = []OrderDirection{Ascending, Descending}
	orderFields = []SessionOrderField{ByCreatedAt}
)

// MarshalSessionStatus writes a status.
func MarshalSessionStatus(s models.SessionStatus) graphql.Marshaler {
	return graphql.MarshalString(string(s))
}

// UnmarshalSessionStatus reads a status.
func UnmarshalSessionStatus(v any) (models.SessionStatus, error) {
	return oneOf(v, statuses, "not a SessionStatus")
}

// MarshalSessionEndReason writes an end reason.
func MarshalSessionEndReason(r models.EndReason) graphql.Marshaler {
	return graphql.MarshalString(string(r))
}

// UnmarshalSessionEndReason reads an end reason.
func UnmarshalSessionEndReason(v any) (models.EndReason, error) {
	return oneOf(v, endReasons, "not a SessionEndReason")
}

// MarshalWebhookEventType writes a webhook's type.
func MarshalWebhookEventType(t models.WebhookEventType) graphql.Marshaler {
	return graphql.MarshalString(string(t))
}

// UnmarshalWebhookEventType reads a webhook's type.
func UnmarshalWebhookEventType(v any) (models.WebhookEventType, error) {
	return oneOf(v, webhookEvents, "not a WebhookEventType")
}

// MarshalOrderDirection writes a direction.
func MarshalOrderDirection(d OrderDirection) graphql.Marshaler {
	return graphql.MarshalString(string(d))
}

// UnmarshalOrderDirection reads a direction.
func UnmarshalOrderDirection(v any) (OrderDirection, error) {
	return oneOf(v, directions, "not an OrderDirection")
}

// MarshalSessionOrderField writes an order field.
func MarshalSessionOrderField(f SessionOrderField) graphql.Marshaler {
	return graphql.MarshalString(string(f))
}

// UnmarshalSessionOrderField reads an order field.
func UnmarshalSessionOrderField(v any) (SessionOrderField, error) {
	return oneOf(v, orderFields, "not a SessionOrderField")
}

func oneOf[T ~string](v any, known []T, otherwise CoercionError) (T, error) {
	if s, ok := v.(string); ok && slices.Contains(known, T(s)) {
		return T(s), nil
	}
	return "", otherwise
}
