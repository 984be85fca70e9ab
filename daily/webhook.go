package daily

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// The headers of a signed webhook.
const (
	SignatureHeader = "X-Webhook-Signature"
	TimestampHeader = "X-Webhook-Timestamp"
)

// SignWebhook gives the signature of a webhook, as Daily documents it: HMAC-SHA256 under the
// decoded secret over the timestamp header as sent, a dot and the raw body, in base64. The
// timestamp is in milliseconds in deliveries that were observed; the signature does not care.
func SignWebhook(secret, timestamp string, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return "", errors.New("daily: the webhook secret is not base64")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}
