package notify

import (
	"fmt"
	"net/url"
	"strings"
)

// shown is how many notes a message has in full.
const shown = 10

// title is a message in a line.
func title(notes []Note) string {
	if len(notes) == 1 {
		return headline(notes[0])
	}
	return fmt.Sprintf("pigsync: %d notes", len(notes))
}

// headline is a note in a line.
func headline(n Note) string {
	about := n.Inventory
	if n.Owner != "" {
		about += ": " + n.Owner
	}
	words := map[Kind][2]string{
		Drift:   {"has drifted", "drifts no more"},
		Held:    {"waits for somebody", "waits for nobody any more"},
		Failed:  {"does not converge", "fails no more"},
		Unknown: {"cannot be observed", "is observed again"},
		Refused: {"refuses its newest commit", "takes its newest commit"},
		Source:  {"cannot read its repository", "reads its repository again"},
	}
	switch said, is := words[n.Kind]; {
	case !is:
		return about + " has converged at " + revision(n)
	case n.Over:
		return about + " " + said[1]
	default:
		return about + " " + said[0]
	}
}

// text is a whole message.
func text(notes []Note, lost int, link string) string {
	var b strings.Builder
	if lost > 0 {
		fmt.Fprintf(&b, "%d earlier notes are lost: there was no room for them while nobody could be told.\n\n", lost)
	}
	for i, n := range notes {
		switch {
		case i == shown:
			fmt.Fprintf(&b, "and %d more:\n", len(notes)-shown)
			fallthrough
		case i > shown:
			fmt.Fprintf(&b, "%s\n", headline(n))
		default:
			write(&b, n, link)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func write(b *strings.Builder, n Note, link string) {
	fmt.Fprintf(b, "%s\n", headline(n))
	for _, d := range n.Details {
		fmt.Fprintf(b, "  %s\n", d)
	}
	if n.Revision != "" && n.Kind != Converged {
		fmt.Fprintf(b, "commit: %s\n", revision(n))
	}
	if n.Next != "" {
		fmt.Fprintf(b, "next: %s\n", n.Next)
	}
	if at := page(n, link); at != "" {
		fmt.Fprintf(b, "see: %s\n", at)
	}
	b.WriteString("\n")
}

func revision(n Note) string {
	text := n.Revision
	if len(text) > 12 {
		text = text[:12]
	}
	if n.Author != "" {
		text += " by " + short(n.Author)
	}
	if n.Subject != "" {
		text += ": " + short(n.Subject)
	}
	return text
}

// page shows a unit, as the dashboards of ours read their address.
func page(n Note, link string) string {
	if link == "" {
		return ""
	}
	q := url.Values{"var-inventory": {n.Inventory}}
	if module, cluster, is := strings.Cut(n.Owner, "/"); is {
		q.Set("var-module", module)
		q.Set("var-cluster", cluster)
	}
	return link + "?" + q.Encode()
}
