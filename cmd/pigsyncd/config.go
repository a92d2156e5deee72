package main

import (
	"time"
)

const (
	defaultConfig = "/etc/pigsync/pigsync.yml"
	defaultState  = "/var/lib/pigsync"
	defaultListen = "127.0.0.1:9099"
)

// config is the daemon's file. It is the administrator's: nothing in a repository can change it. A
// relative path in it is one from the directory of the file.
type config struct {
	State       string            `yaml:"state"`  // journal, authority, objects; default /var/lib/pigsync
	Listen      string            `yaml:"listen"` // of /metrics, the API and the webhooks; default 127.0.0.1:9099
	API         apiConfig         `yaml:"api"`
	Webhooks    []hookConfig      `yaml:"webhooks"`
	Forges      []forgeConfig     `yaml:"forges"`
	SSH         sshConfig         `yaml:"ssh"`
	CA          string            `yaml:"ca"`      // directory of ca.key and ca.crt; default <state>/ca
	Helpers     string            `yaml:"helpers"` // directory of pigsync-node-linux-<arch>, for other architectures
	Policies    policiesConfig    `yaml:"policies"`
	Notify      notifyConfig      `yaml:"notify"`
	Inventories []inventoryConfig `yaml:"inventories"`

	judged *judgement // what Policies say, once it was compiled
}

// sshConfig is how nodes are reached when the inventory does not say otherwise.
type sshConfig struct {
	User       string   `yaml:"user"`
	Keys       []string `yaml:"keys"`
	KnownHosts []string `yaml:"known_hosts"` // default <state>/known_hosts
	Agent      bool     `yaml:"agent"`       // use the agent of SSH_AUTH_SOCK
}

// inventoryConfig is one inventory to serve: from git or from a directory.
type inventoryConfig struct {
	Name     string        `yaml:"name"` // of its state, its metrics and in every answer
	Git      *gitConfig    `yaml:"git"`
	Dir      string        `yaml:"dir"`
	File     string        `yaml:"file"`     // in the repository or directory; default pigsty.yml
	Interval time.Duration `yaml:"interval"` // between looks at the fleet; default 1m
	// Secrets open what is encrypted, and say what may be read beside the inventory.
	Secrets secretsConfig `yaml:"secrets"`
	// OnCommit is apply or plan, OnDrift heal or report, Prune false keeps what nobody asks for any more until
	// somebody approves its end. Modes say otherwise of some owners, the first that matches.
	OnCommit string       `yaml:"on_commit"`
	OnDrift  string       `yaml:"on_drift"`
	Prune    *bool        `yaml:"prune"`
	Modes    []modeConfig `yaml:"modes"`
	// Heal false is on_drift: report, as it was said before. It reports what drifts from a commit that has converged, and changes nothing.
	Heal *bool `yaml:"heal"`
	// ReportOnly are patterns of owners ("etcd/*") whose differences are reported, never changed.
	ReportOnly []string `yaml:"report_only"`
	// Rollback is after how many failed runs a commit is bad and the fleet returns to the last good one; default 3,
	// 0 never.
	Rollback *int `yaml:"rollback"`
	// Approve are the hazards that need approval; default failover, topology, data-loss, lockout.
	Approve []string `yaml:"approve"`
}

type gitConfig struct {
	URL          string        `yaml:"url"`
	Ref          string        `yaml:"ref"`      // branch, tag or commit; default the remote's HEAD
	Semver       string        `yaml:"semver"`   // follows the highest tag of a version that this takes, such as ">=1.4 <2", instead of ref
	Path         string        `yaml:"path"`     // directory of the repository; default all of it
	Interval     time.Duration `yaml:"interval"` // between looks at the repository; default 1m
	AllowLocal   bool          `yaml:"allow_local"`
	AllowRewind  bool          `yaml:"allow_rewind"`
	User         string        `yaml:"user"`
	PasswordFile string        `yaml:"password_file"`
	CAFile       string        `yaml:"ca_file"`
	KeyFile      string        `yaml:"key_file"`
	KnownHosts   string        `yaml:"known_hosts"`
	// Signers and Keyring are whose signed commits may agree to a plan: a file of allowed signers as ssh-keygen
	// reads it, and an armored OpenPGP keyring.
	Signers string `yaml:"signers"`
	Keyring string `yaml:"keyring"`
	// Signed refuses a revision unless each commit since the last one is signed by one of them.
	Signed bool `yaml:"signed"`
	// Push lets reverts and adoptions be pushed as branches of their own, for review. No other branch is touched.
	Push bool `yaml:"push"`
	// PushTo is who pushes, and where if that is not url.
	PushTo *remoteConfig `yaml:"push_to"`
	// Mirrors are asked in turn while url does not answer. They must not say anything else.
	Mirrors []remoteConfig `yaml:"mirrors"`
}

// remoteConfig is another way to a repository, with the keys of its own.
type remoteConfig struct {
	URL          string `yaml:"url"`
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
	CAFile       string `yaml:"ca_file"`
	KeyFile      string `yaml:"key_file"`
	KnownHosts   string `yaml:"known_hosts"`
}
