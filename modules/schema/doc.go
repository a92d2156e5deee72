// Package schema writes what an inventory may hold as JSON Schema (2020-12), for editors.
//
//	manual.Manual ─► Of ─► a tree that encoding/json writes ─► pigsync schema ─► YAML language server
//
// What may be relied on: whatever pigsync check takes for a typed parameter without an error, the
// schema takes, too. Where check only warns, the schema refuses a key of an object that nothing reads,
// because an editor is the best place to see a slip, but never a variable: inventories carry
// variables of their own. Jinja expressions and vault values pass wherever something typed stands.
// What only all hosts together can tell (numbers given twice, members that disagree) is not in it.
//
// The defaults of secrets are left out: an editor must not offer a well-known password.
package schema
