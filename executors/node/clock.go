package node

import (
	"fmt"
	"time"
)

// maxSkew is how far a node's clock may be off. Beyond that nothing it says about times, and no
// certificate made for it, can be relied on.
const maxSkew = 5 * time.Minute

// ClockError says that a node's clock is wrong.
type ClockError struct {
	Skew time.Duration // positive is ahead
}

func (e *ClockError) Error() string {
	if e.Skew < 0 {
		return fmt.Sprintf("clock is %s behind the admin node", span(-e.Skew))
	}
	return fmt.Sprintf("clock is %s ahead of the admin node", span(e.Skew))
}

// skew tells how far a clock that said now between two times of ours is off at least.
func skew(from, now, to time.Time) time.Duration {
	switch {
	case now.Before(from):
		return now.Sub(from)
	case now.After(to):
		return now.Sub(to)
	}
	return 0
}

// span writes a duration in its two largest units, with years of 365 days and months of 30.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	units := []struct {
		name string
		size time.Duration
	}{{"y", 365 * day}, {"mo", 30 * day}, {"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	var out string
	for _, u := range units {
		n := d / u.size
		d -= n * u.size
		if n > 0 {
			if out != "" {
				return out + fmt.Sprintf("%d%s", n, u.name)
			}
			out = fmt.Sprintf("%d%s", n, u.name)
		} else if out != "" {
			return out
		}
	}
	return out
}
