package dockerrun

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// maxDocument bounds what is read of a bundle's document, in bytes.
const maxDocument = 1 << 20

// Container is a container of a bundle, and the image that it is made from.
type Container struct{ Name, Image string }

// Containers reads which containers a bundle runs, which may be anybody's. A bundle without a
// Dockerrun.aws.json, such as a war, has none.
func Containers(bundle io.ReaderAt, size int64) ([]Container, error) {
	archive, err := zip.NewReader(bundle, size)
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	file, err := archive.Open(documentName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", documentName, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err == nil && len(text) > maxDocument {
		err = fmt.Errorf("it has more than %d bytes", maxDocument)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", documentName, err)
	}
	var document struct{ ContainerDefinitions []Container }
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read %s: %w", documentName, err)
	}
	return document.ContainerDefinitions, nil
}
