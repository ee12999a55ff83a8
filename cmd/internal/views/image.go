package views

import "beansprout/builder"

// Image is an image of a version.
type Image struct {
	Name        string  `json:"name"`
	Reference   string  `json:"reference"`
	Digest      string  `json:"digest"`
	Platform    string  `json:"platform"`
	Fingerprint string  `json:"fingerprint"`
	Cached      bool    `json:"cached"`
	Seconds     float64 `json:"seconds"`
	BytesSent   int64   `json:"bytesSent"`
}

// BuiltImages returns the images that a project has made.
func BuiltImages(images []builder.Image) []Image {
	all := []Image{}
	for _, i := range images {
		all = append(all, Image{i.Name, i.Reference, i.Digest, i.Platform, i.Fingerprint, i.Cached, i.Took.Seconds(), i.Sent})
	}
	return all
}
