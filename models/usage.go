package models

import "time"

// Usage is what an account has used of its plan in a period.
type Usage struct {
	PeriodStart      Time
	PeriodEnd        Time
	UsedSeconds      int
	RemainingSeconds *int
}

// MaxReport is the longest range of a report: a leap year.
const MaxReport = 366 * day

// MaxReportAvatars is how many avatars a report names.
const MaxReportAvatars = 100

const day = 24 * time.Hour

// A UsageReport is what an account's sessions used between From and To. Days and avatars each
// add up to the whole.
type UsageReport struct {
	From, To          Time
	Sessions, Seconds int
	Days              []*UsageDay
	// Avatars are those with most seconds, OtherAvatars the rest.
	Avatars      []*UsageAvatar
	OtherAvatars UsageOtherAvatars
}

// A UsageDay is one day of a report.
type UsageDay struct {
	Day               Time
	Sessions, Seconds int
}

// A UsageAvatar is one avatar of a report.
type UsageAvatar struct {
	AvatarID          string
	Sessions, Seconds int
}

// UsageOtherAvatars are the avatars that a report does not name.
type UsageOtherAvatars struct {
	Avatars, Sessions, Seconds int
}

// A UsageSpan is the use of all sessions of a range that began on one day and ended on one day,
// as far as they lie in the range. Days are counted from the Unix epoch.
type UsageSpan struct {
	FirstDay, LastDay int
	Sessions, Seconds int
	// FirstDaySeconds is what of Seconds lies in the first day.
	FirstDaySeconds int
}

// CheckReport refuses a range that is empty or too long.
func CheckReport(from, to Time) error {
	switch {
	case from >= to:
		return Invalid("to must be later than from", "to")
	case to-from > Time(MaxReport.Milliseconds()): // not to.Sub: a Duration ends at 292 years
		return Invalid("a report is of at most 366 days", "to")
	}
	return nil
}

// NewUsageReport puts a report together from what ran in the range and from its first avatars,
// all as one read has found them; avatars is how many there are in all.
func NewUsageReport(from, to Time, spans []UsageSpan, first []*UsageAvatar, avatars int) *UsageReport {
	r := &UsageReport{From: from, To: to, Avatars: first}
	start := from.day()
	for n := start; n <= (to - 1).day(); n++ {
		r.Days = append(r.Days, &UsageDay{Day: Time(n) * Time(day.Milliseconds())})
	}
	for _, s := range spans {
		r.add(s, start)
	}
	r.OtherAvatars = UsageOtherAvatars{Avatars: avatars - len(first), Sessions: r.Sessions, Seconds: r.Seconds}
	for _, a := range first {
		r.OtherAvatars.Sessions -= a.Sessions
		r.OtherAvatars.Seconds -= a.Seconds
	}
	return r
}

// add spreads a span over its days. Those between its first and its last are whole.
func (r *UsageReport) add(s UsageSpan, start int) {
	r.Sessions += s.Sessions
	r.Seconds += s.Seconds
	days := r.Days[s.FirstDay-start : s.LastDay-start+1]
	days[0].Sessions += s.Sessions
	days[0].Seconds += s.FirstDaySeconds
	left := s.Seconds - s.FirstDaySeconds
	for _, d := range days[1:] {
		used := min(left, s.Sessions*int(day.Seconds()))
		d.Seconds += used
		left -= used
	}
}

// day counts from the Unix epoch. A time is never before it.
func (t Time) day() int { return int(t / Time(day.Milliseconds())) }
