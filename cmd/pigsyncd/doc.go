// Command pigsyncd holds all commands of pigsync, and becomes what a user calls as pigsync.
//
//	check PATH        says what is wrong with an inventory, without any network
//	plan, apply       show and make the difference, once
//	serve             follows repositories and keeps their fleets as they say
//	status, history   say where things stand, and what was done
//	explain ID|CODE   says why a resource is as it is, or what a problem means
//	params, schema    say what an inventory may hold, to people and to editors
//	approve DIGEST    lets the held steps of a plan through
//
// It has flags, wiring and printing; it decides nothing. main calls run with an environment, so that
// the tests call the same. Answers go to stdout, what is said about the work to stderr; an error
// is "error: …", then what to do about it as "hint: …". Exit status: 0 done or in sync, 1 an
// error, 2 there are differences.
package main
