// Package memory is a fleet in a map: an Executor for every kind, which can fail as fleets do.
//
//	w := memory.New(1)                 // the seed of all its chances
//	w.Set(id, spec)                    // what is there already
//	w.Down("10.10.10.11", true)        // that node does not answer
//	w.Fail = func(c diff.Change) error // before acting
//	w.Lose = func(c diff.Change) error // after acting: done, and the answer was lost
//	w.CrashAfter(3)                    // the fourth change and all that follow fail
//
// It behaves like the real hands: it compares before it sets, it shows what only a node can know (a
// started unit is noted, a new certificate matches its key, an added member has an id), and what
// cannot be asked is an error, never absent. With the same seed and the same calls in the same order
// it does the same. It couples no two resources: what a cluster says of its members is what was Set.
package memory
