package builder

import (
	"encoding/json"
	"errors"
	"io"
)

// message is one element of the stream that the engine answers a build or a push with.
type message struct {
	ID       string          `json:"id"`
	Status   string          `json:"status"`
	Error    string          `json:"error"`
	Aux      json.RawMessage `json:"aux"`
	Progress struct {
		Current, Total int64 // bytes
	} `json:"progressDetail"`
}

// refusal is an error that the engine put into a stream, after having answered 200.
type refusal struct{ message string }

func (r refusal) Error() string { return plain(r.message).Error() }

// read hands the messages of stream to each, up to its end, and returns the first
// error in it, as a refusal, or that of the connection.
func read(stream io.Reader, each func(message)) error {
	var refused error
	for decoder := json.NewDecoder(stream); ; {
		var m message
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF):
			return refused
		case refused != nil && err != nil:
			return refused
		case err != nil:
			return err
		case m.Error != "" && refused == nil:
			refused = refusal{m.Error}
		}
		each(m)
	}
}
