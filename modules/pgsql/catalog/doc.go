// Package catalog lists what PostgreSQL 13 to 18 knows by name: settings, predefined roles, the extensions
// of its own contrib (exactly), and the packages of others that Pigsty names, with the extensions and
// libraries in them (as far as they are known: a name that is missing here may exist).
package catalog
