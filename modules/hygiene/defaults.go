package hygiene

import (
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/manual"
)

// wellKnown are the secrets that are defaults of any parameter: changed to the default of another, a
// password is as good as unchanged.
func wellKnown(m *manual.Manual) map[string]bool {
	known := map[string]bool{}
	for _, p := range m.All() {
		for _, text := range secretTexts(p.Default, p.Type.Shape == inventory.ShapeSecret) {
			known[text] = true
		}
	}
	return known
}

// secretTexts are the secrets in a default; here says that the value itself is one.
func secretTexts(value any, here bool) (found []string) {
	switch v := value.(type) {
	case string:
		if here && v != "" {
			return []string{v}
		}
	case []any:
		for _, item := range v {
			found = append(found, secretTexts(item, false)...)
		}
	case map[string]any:
		for key, inner := range v {
			found = append(found, secretTexts(inner, inventory.SecretName(key))...)
		}
	}
	return found
}

// initialSecrets are the secrets that a host has by default. Of the backup repositories only the one
// in use counts.
func initialSecrets(p manual.Parameter, h *inventory.Host) []string {
	if p.Name != "pgbackrest_repo" {
		return secretTexts(p.Default, p.Type.Shape == inventory.ShapeSecret)
	}
	method := "local"
	if v, ok := h.Lookup("pgbackrest_method"); ok {
		method = v.String()
	}
	repos, _ := p.Default.(map[string]any)
	return secretTexts(repos[method], false)
}

// identity is the variable that makes a host part of a module.
var identity = map[string]string{
	"PGSQL": "pg_cluster", "REDIS": "redis_cluster", "MINIO": "minio_cluster", "KAFKA": "kafka_cluster", "MYSQL": "mysql_cluster", "JUICE": "juice_instances",
}

func hasModule(h *inventory.Host, module string) bool {
	switch module {
	case "NODE":
		return true
	case "INFRA":
		return h.In("infra")
	case "ETCD":
		return h.In("etcd")
	}
	v, ok := h.Lookup(identity[module])
	return ok && identity[module] != "" && (v.String() != "" || v.Kind() == inventory.Map)
}
