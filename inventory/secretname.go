package inventory

import (
	"slices"
	"strings"
)

// secretWords end the names of what must not be shown, with an underscore before them or alone.
var secretWords = []string{"password", "passwd", "pass", "passphrase", "secret", "secret_key", "key_secret", "private_key", "token"}

// secretNames are the others: keys of repositories, and addresses that have a password in them.
var secretNames = []string{
	"s3_key", "azure_key", "gcs_key", "pgsodium_key",
	"pg_exporter_url", "pgbouncer_exporter_url", "grafana_pgurl", "mongo_pgurl", "http_proxy", "https_proxy", "all_proxy",
}

// SecretName reports whether a variable, or a key of an object, is called as passwords and keys are.
// What is written under such a name is never shown in a problem, whatever its form: not even the
// keys of a mapping, as a password without quotes may be taken for one.
func SecretName(name string) bool {
	if slices.Contains(secretNames, name) {
		return true
	}
	return slices.ContainsFunc(secretWords, func(word string) bool {
		before, found := strings.CutSuffix(name, word)
		return found && (before == "" || strings.HasSuffix(before, "_"))
	})
}
