package server

import (
	_ "embed"
	"net/http"
)

// document describes every route as programs read it: OpenAPI 3.1.
//
//go:embed openapi.json
var document []byte

func (w *windows) openapi(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Write(document) //nolint:errcheck // whoever asked has gone
}
