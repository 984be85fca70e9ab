package models

import "slices"

// Prefixes of ids of outgoing webhooks.
const (
	WebhookPrefix  = "whk_"
	DeliveryPrefix = "whd_"
)

// WebhookEventType is what a webhook tells of.
type WebhookEventType string

// What each means for a receiver stands in schema.graphqls.
const (
	WebhookSessionCreated  WebhookEventType = "SESSION_CREATED"
	WebhookSessionStarted  WebhookEventType = "SESSION_STARTED"
	WebhookSessionExpiring WebhookEventType = "SESSION_EXPIRING"
	WebhookSessionEnded    WebhookEventType = "SESSION_ENDED"
	// WebhookTest is sent on request, and to every endpoint.
	WebhookTest WebhookEventType = "WEBHOOK_TEST"
)

// Name is the type as a receiver reads it.
func (t WebhookEventType) Name() string {
	return map[WebhookEventType]string{
		WebhookSessionCreated: "session.created", WebhookSessionStarted: "session.started",
		WebhookSessionExpiring: "session.expiring", WebhookSessionEnded: "session.ended",
		WebhookTest: "webhook.test",
	}[t]
}

// WebhookDisabledReason is why an endpoint is sent nothing.
type WebhookDisabledReason string

// What each means for an account stands in schema.graphqls.
const (
	DisabledByRequest WebhookDisabledReason = "REQUESTED"
	DisabledFailing   WebhookDisabledReason = "FAILING"
	DisabledGone      WebhookDisabledReason = "GONE"
)

// A WebhookEndpoint is an address of an account that is told of its sessions. Its secrets are kept
// elsewhere.
type WebhookEndpoint struct {
	AccountID   string `gorm:"primaryKey"`
	ID          string `gorm:"primaryKey"`
	URL         string
	Description *string
	EventTypes  []WebhookEventType `gorm:"serializer:json"`
	CreatedAt   Time               `gorm:"autoCreateTime:false"`
	// DisabledAt is set while nothing is sent, with its reason.
	DisabledAt     *Time
	DisabledReason *WebhookDisabledReason
	// FailingSince is the first failure since the last success, LastFailureAt the newest; nil when
	// the last try worked.
	FailingSince  *Time
	LastFailureAt *Time
	// DeletedAt hides an endpoint until its deliveries have been dropped.
	DeletedAt *Time
}

// IsNode marks what `node` can fetch.
func (*WebhookEndpoint) IsNode() {}

// Disable takes the endpoint out of service; one that is out already keeps its time and reason.
func (e *WebhookEndpoint) Disable(at Time, why WebhookDisabledReason) {
	if e.DisabledAt == nil {
		e.DisabledAt, e.DisabledReason = &at, &why
	}
}

// Enable puts the endpoint into service, with its failures forgotten.
func (e *WebhookEndpoint) Enable() {
	e.DisabledAt, e.DisabledReason, e.FailingSince, e.LastFailureAt = nil, nil, nil, nil
}

// WebhookDeliveryState is how far a delivery has come.
type WebhookDeliveryState string

// The states. Sending has a lease: when that runs out, the delivery is due again.
const (
	DeliveryPending   WebhookDeliveryState = "PENDING"
	DeliverySending   WebhookDeliveryState = "SENDING"
	DeliveryDelivered WebhookDeliveryState = "DELIVERED"
	DeliveryFailed    WebhookDeliveryState = "FAILED"
)

// A WebhookDelivery is one event on its way to one endpoint. What is sent is kept beside it.
type WebhookDelivery struct {
	AccountID  string `gorm:"primaryKey"`
	EndpointID string `gorm:"primaryKey"`
	ID         string `gorm:"primaryKey"`
	// EventID is the webhook-id: the same on every try, and at every endpoint.
	EventID   string
	EventType WebhookEventType
	// SessionID is nil for a test.
	SessionID *string
	CreatedAt Time `gorm:"autoCreateTime:false"`
	State     WebhookDeliveryState
	// Tries counts those that failed since the event, or since it was last replayed.
	Tries int
	// Attempts are the newest tries, oldest first; at most MaxAttempts.
	Attempts []*WebhookAttempt `gorm:"serializer:json"`
	// Due is when it wants attention: the next try while PENDING, the end of the lease while
	// SENDING; nil once finished.
	Due        *Time
	FinishedAt *Time
	// Fence rises with every claim; an outcome is written only under the claim's own number.
	Fence int
}

// IsNode marks what `node` can fetch.
func (*WebhookDelivery) IsNode() {}

// NewWebhookDelivery tells an endpoint of an event, from now on. sessionID is nil for a test.
func NewWebhookDelivery(to *WebhookEndpoint, what WebhookEventType, eventID string, sessionID *string, now Time) *WebhookDelivery {
	return &WebhookDelivery{
		AccountID: to.AccountID, EndpointID: to.ID, ID: NewID(DeliveryPrefix, now),
		EventID: eventID, EventType: what, SessionID: sessionID, CreatedAt: now,
		State: DeliveryPending, Attempts: []*WebhookAttempt{}, Due: &now,
	}
}

// NextAttemptAt is when the next try is due; nil while one is under way, and when there is none.
func (d *WebhookDelivery) NextAttemptAt() *Time {
	if d.State != DeliveryPending {
		return nil
	}
	return d.Due
}

// MaxAttempts is how many tries of a delivery are remembered: three rounds of eight.
const MaxAttempts = 24

// Tried adds a try, and forgets the oldest beyond MaxAttempts.
func (d *WebhookDelivery) Tried(a *WebhookAttempt) {
	all := append(slices.Clip(d.Attempts), a)
	d.Attempts = all[max(0, len(all)-MaxAttempts):]
}

// Finish ends the delivery, until it is replayed.
func (d *WebhookDelivery) Finish(state WebhookDeliveryState, at Time) {
	d.State, d.Due, d.FinishedAt = state, nil, &at
}

// A WebhookAttempt is one try at a delivery.
type WebhookAttempt struct {
	At Time `json:"at"`
	// HTTPStatus is what the receiver answered; nil when no answer came.
	HTTPStatus *int `json:"status,omitempty"`
	// Latency is in milliseconds, up to the answer or to giving up.
	Latency int `json:"latency"`
	// Error says what went wrong; nil when it worked.
	Error *string `json:"error,omitempty"`
}

// WebhookEndpointQuery is one list of an account's endpoints, newest first.
type WebhookEndpointQuery struct {
	AccountID string
	Page      Page
}

// A WebhookEndpointConnection is one page of endpoints and the query that counts the whole list.
type WebhookEndpointConnection struct {
	Nodes    []*WebhookEndpoint
	PageInfo PageInfo
	Query    WebhookEndpointQuery
}

// A WebhookEndpointEdge is an endpoint's place in a list.
type WebhookEndpointEdge struct{ Node *WebhookEndpoint }

// Cursor is the endpoint's id.
func (e WebhookEndpointEdge) Cursor() string { return e.Node.ID }

// Edges are the nodes with their cursors.
func (c *WebhookEndpointConnection) Edges() []WebhookEndpointEdge {
	edges := make([]WebhookEndpointEdge, len(c.Nodes))
	for i, n := range c.Nodes {
		edges[i] = WebhookEndpointEdge{n}
	}
	return edges
}

// WebhookDeliveryQuery is one list of an endpoint's deliveries, newest first.
type WebhookDeliveryQuery struct {
	AccountID  string
	EndpointID string
	Page       Page
}

// A WebhookDeliveryConnection is one page of deliveries and the query that counts the whole list.
type WebhookDeliveryConnection struct {
	Nodes    []*WebhookDelivery
	PageInfo PageInfo
	Query    WebhookDeliveryQuery
}

// A WebhookDeliveryEdge is a delivery's place in a list.
type WebhookDeliveryEdge struct{ Node *WebhookDelivery }

// Cursor is the delivery's id.
func (e WebhookDeliveryEdge) Cursor() string { return e.Node.ID }

// Edges are the nodes with their cursors.
func (c *WebhookDeliveryConnection) Edges() []WebhookDeliveryEdge {
	edges := make([]WebhookDeliveryEdge, len(c.Nodes))
	for i, n := range c.Nodes {
		edges[i] = WebhookDeliveryEdge{n}
	}
	return edges
}
