package modtest

import (
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// rules adds to what is known of who may connect to an instance, and does.
func (k known) rules(word string, args []string) {
	id := resource.ID{Kind: resource.KindPGRules, Name: args[0], At: args[1]}
	r, _ := k[id].Spec.(resource.PGRules)
	if word == "rule" {
		r.Lines = append(r.Lines, strings.Join(args[2:], " "))
	} else {
		r.Clients = append(r.Clients, resource.PGClient{Database: args[2], User: args[3], Address: args[4]})
	}
	k[id] = resource.State{Spec: r}
}
