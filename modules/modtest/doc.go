// Package modtest tests what modules compile, one folder a case. Only tests import it.
//
//	testdata/<case>/pigsty.yml   the inventory
//	testdata/<case>/before.yml   the inventory of the commit before; optional
//	testdata/<case>/known.txt    what was seen before compiling; optional, see ReadKnown
//	testdata/<case>/want.txt     every resource in order, and every problem: compared with, or with
//	                             -update written
//
// A new case is a folder, not code. What was surveyed and is not spoken of in known.txt is absent; a
// node not spoken of is reachable and runs Debian 13. No golden file ever holds a secret.
package modtest
