package pgsql

import (
	"bytes"
	"embed"
	"text/template"
)

//go:embed templates
var files embed.FS

var rendered = template.Must(template.ParseFS(files, "templates/*"))

func render(name string, data any) []byte {
	var b bytes.Buffer
	if err := rendered.ExecuteTemplate(&b, name, data); err != nil {
		panic(err) // the template and its data are both ours
	}
	return b.Bytes()
}

const (
	formedText = "This node is a member of a PostgreSQL cluster that was seen well.\n" +
		"Without this file pigsync starts nothing upon data that it finds.\n"
	makingText = "The data directory of this node is made by Patroni, for pigsync: nothing lay there before.\n" +
		"Where the member was never seen well either, what lies there half made is moved aside.\n"
	stockText = "# Clusters are made by Patroni: the package makes none of its own.\ncreate_main_cluster = false\n"
)
