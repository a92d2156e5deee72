// Package adopt turns around: it says how an inventory is to be edited so that it asks for what is live.
//
//	resource, as it was found ─► the parameter that would ask for it ─► inventory.Edit
//
// What no parameter states, what a parameter states for others as well, and what is secret is not written; the error
// says which of them it is. The package is pure: it neither reads the fleet nor writes a file. That the result asks for
// what is there is shown by the plan of the pull request that it becomes.
package adopt
