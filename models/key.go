package models

// An APIKey is an account's credential for its own back ends and dashboards, without its
// secret: that is shown once and only its hash is stored, in a column this struct lacks.
type APIKey struct {
	ID        string `gorm:"primaryKey"`
	AccountID string
	Name      string
	// Prefix is the first characters of the secret, to recognise it by.
	Prefix    string
	CreatedAt Time `gorm:"autoCreateTime:false"`
	// LastUsedAt is to the minute.
	LastUsedAt *Time
	RevokedAt  *Time
}

// IsNode marks what `node` can fetch.
func (*APIKey) IsNode() {}

// An AvatarServerKey is the credential with which avatar servers dial in. It belongs to the
// installation, not to an account.
type AvatarServerKey struct {
	ID        string `gorm:"primaryKey"`
	Prefix    string
	CreatedAt Time `gorm:"autoCreateTime:false"`
	RevokedAt *Time
}
