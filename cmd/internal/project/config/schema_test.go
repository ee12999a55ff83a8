package config

import (
	"os"
	"testing"

	"beansprout/test/must"
)

const shippedSchema = "../../../../templates/" + SchemaFile

func TestTheShippedSchemaIsTheOneThatIsPrinted(t *testing.T) {
	want := string(Schema())
	if *update {
		must.Succeed(t, os.WriteFile(shippedSchema, []byte(want), 0o644))
	}
	if got := must.Read(t, shippedSchema); got != want {
		t.Error("it differs from what the schema command prints; run the test with -update")
	}
}
