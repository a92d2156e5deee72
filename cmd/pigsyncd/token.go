package main

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/spf13/cobra"
)

func newToken(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "token",
		Short: "make a token for a caller of the daemon's API",
		Long: "Token prints a new token, which is shown once and kept nowhere, and its SHA-256, which the\n" +
			"configuration wants as token_sha256 of a caller.",
		Example: "  pigsync token",
		Args:    none,
		RunE:    func(*cobra.Command, []string) error { return o.printToken() },
	}
}

func (o *options) printToken() error {
	token := "pigsync_" + rand.Text()
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(token)))
	if o.json() {
		return printJSON(o.stdout, map[string]string{"token": token, "token_sha256": digest})
	}
	_, err := fmt.Fprintf(o.stdout, "token:        %s\ntoken_sha256: %s\n", token, digest)
	return err
}
