package server

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/pigsync/pigsync/history"
)

const (
	usualRecords = 30
	mostRecords  = 10_000
)

// history tells the newest records, an array.
func (w *windows) history(rw http.ResponseWriter, r *http.Request, b Backend) {
	limit := usualRecords
	if said := r.URL.Query().Get("limit"); said != "" {
		n, err := strconv.Atoi(said)
		if err != nil || n < 1 || n > mostRecords {
			refuse(rw, http.StatusBadRequest, "limit: want a number from 1 to "+strconv.Itoa(mostRecords))
			return
		}
		limit = n
	}
	records, err := newest(b.Memory(), limit)
	if err != nil {
		refuse(rw, http.StatusInternalServerError, err.Error())
		return
	}
	w.answer(rw, r, records)
}

func newest(j *history.Journal, limit int) ([]json.RawMessage, error) {
	records := []json.RawMessage{}
	if j == nil {
		return records, nil
	}
	for record, err := range j.Records(history.Query{Limit: limit}) {
		if err != nil {
			return nil, err
		}
		line, err := json.Marshal(record)
		if err != nil {
			return nil, err
		}
		records = append(records, line)
	}
	return records, nil
}
