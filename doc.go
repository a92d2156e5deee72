// Package pigsync holds the plan of the house as tests: which room may open onto which, who keeps which
// library, that every room says what it is for. It has no code of its own; the program is cmd/pigsyncd, and
// its heart is reconcile/reconcile.go.
package pigsync
