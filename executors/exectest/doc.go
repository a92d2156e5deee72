// Package exectest is the suite that every executor passes.
//
//	exectest.Run(t, func(t testing.TB) executors.Executor { … }, exectest.Options{Samples: …})
//	exectest.RunFiles(t, …)  the same, and what a hand on the files of a node promises besides
//
// It tries what the interface promises: what was applied is observed, an update changes nothing else,
// a world that has moved stops the change, what goes is gone, what cannot be known is an error and
// never absent, every id gets a state, no error and no state shows a secret, and changes at the same
// time lose nothing. A Sample says through which specs a resource goes, what it needs, and what it
// never becomes: so the rules of one hand are told where it is tested, and tried like all others.
//
// It is for tests only. The files it makes are below one directory, which it makes and expects to be
// absent.
package exectest
