// Package prometheus asks a Prometheus, or whatever answers as one does, for the measures that policies want to see
// before a commit reaches the next ring of a fleet. Each query must have exactly one number for an answer; whatever
// else happens is a sample that says why there is none, and a judge takes that for a no.
package prometheus
