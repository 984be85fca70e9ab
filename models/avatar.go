package models

// An Avatar is the face and name that a session shows. Archived, never deleted.
type Avatar struct {
	AccountID  string `gorm:"primaryKey"`
	ID         string `gorm:"primaryKey"`
	Name       string
	URL        string
	CreatedAt  Time `gorm:"autoCreateTime:false"`
	ArchivedAt *Time
}

// IsNode marks what `node` can fetch.
func (*Avatar) IsNode() {}
