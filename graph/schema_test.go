package graph_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"greenroom/graph/scalar"
	"greenroom/models"
)

var update = flag.Bool("update", false, "write the golden files anew")

func readSchema(t *testing.T) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// own are the schema's types, without GraphQL's.
func own(schema *ast.Schema) []*ast.Definition {
	var types []*ast.Definition
	for _, d := range schema.Types {
		if !d.BuiltIn {
			types = append(types, d)
		}
	}
	return types
}

// A name that changes, or a field that becomes nullable, breaks clients. The golden makes such
// a change visible; run with -update after looking at it.
func TestSchema(t *testing.T) {
	t.Parallel()

	t.Run("IsTheGolden", func(t *testing.T) {
		t.Parallel()
		schema := readSchema(t)
		for _, d := range own(schema) {
			d.Description = ""
			for _, f := range d.Fields {
				f.Description = ""
				for _, a := range f.Arguments {
					a.Description = ""
				}
			}
			for _, v := range d.EnumValues {
				v.Description = ""
			}
		}
		var text strings.Builder
		formatter.NewFormatter(&text).FormatSchema(schema)
		const golden = "testdata/schema.golden.graphql"
		if *update {
			if err := os.WriteFile(golden, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text.String()); diff != "" {
			t.Errorf("schema (-golden +now):\n%s", diff)
		}
	})
	t.Run("DescribesEveryElement", func(t *testing.T) {
		t.Parallel()
		described := 0
		see := func(what, description string) {
			described++
			if strings.TrimSpace(description) == "" {
				t.Errorf("%s has no description", what)
			}
		}
		for _, d := range own(readSchema(t)) {
			see(d.Name, d.Description)
			for _, f := range d.Fields {
				if strings.HasPrefix(f.Name, "__") {
					continue
				}
				see(d.Name+"."+f.Name, f.Description)
				for _, a := range f.Arguments {
					see(d.Name+"."+f.Name+"("+a.Name+")", a.Description)
				}
			}
			for _, v := range d.EnumValues {
				see(d.Name+"."+v.Name, v.Description)
			}
		}
		if described < 250 {
			t.Errorf("only %d elements were looked at", described)
		}
	})
	t.Run("HasNoDefaultValues", func(t *testing.T) {
		t.Parallel()
		for _, d := range own(readSchema(t)) {
			for _, f := range d.Fields {
				for _, a := range f.Arguments {
					if a.DefaultValue != nil {
						t.Errorf("%s.%s(%s) has a default: null would not be \"not given\"", d.Name, f.Name, a.Name)
					}
				}
			}
		}
	})
	t.Run("LetsNobodyInputWhatIsNotTheirs", func(t *testing.T) {
		t.Parallel()
		for _, d := range own(readSchema(t)) {
			if d.Kind != ast.InputObject {
				continue
			}
			for _, name := range []string{"accountId", "plan", "startedAt", "endedAt", "deadline", "revision", "createdAt"} {
				if d.Fields.ForName(name) != nil {
					t.Errorf("%s.%s", d.Name, name)
				}
			}
		}
	})
}

// Enums that clients give are read by hand; each value of the schema must be known there, and
// its other spellings refused.
func TestSchema_EnumsOfInputs(t *testing.T) {
	t.Parallel()
	schema := readSchema(t)
	for name, read := range map[string]func(any) error{
		"SessionStatus":     func(v any) error { _, err := scalar.UnmarshalSessionStatus(v); return err },
		"SessionEndReason":  func(v any) error { _, err := scalar.UnmarshalSessionEndReason(v); return err },
		"SessionOrderField": func(v any) error { _, err := scalar.UnmarshalSessionOrderField(v); return err },
		"OrderDirection":    func(v any) error { _, err := scalar.UnmarshalOrderDirection(v); return err },
		"WebhookEventType":  func(v any) error { _, err := scalar.UnmarshalWebhookEventType(v); return err },
	} {
		for _, value := range schema.Types[name].EnumValues {
			if err := read(value.Name); err != nil {
				t.Errorf("%s.%s: %v", name, value.Name, err)
			}
			if read(strings.ToLower(value.Name)) == nil {
				t.Errorf("%s takes %q", name, strings.ToLower(value.Name))
			}
		}
	}
	for _, enum := range own(schema) {
		if enum.Kind == ast.Enum && usedAsInput(schema, enum.Name) &&
			!strings.Contains("SessionStatus SessionEndReason SessionOrderField OrderDirection WebhookEventType", enum.Name) {
			t.Errorf("%s is given by clients and not read by hand", enum.Name)
		}
	}
}

func usedAsInput(schema *ast.Schema, name string) bool {
	for _, d := range own(schema) {
		for _, f := range d.Fields {
			if d.Kind == ast.InputObject && f.Type.Name() == name {
				return true
			}
			for _, a := range f.Arguments {
				if a.Type.Name() == name {
					return true
				}
			}
		}
	}
	return false
}

// The values of enums that only come out are models' own constants.
func TestSchema_EnumsOfAnswers(t *testing.T) {
	t.Parallel()
	schema := readSchema(t)
	for name, values := range map[string][]string{
		"AvatarState": {
			string(models.AvatarWaiting), string(models.AvatarConnecting), string(models.AvatarReady),
			string(models.AvatarLost), string(models.AvatarGone),
		},
		"SessionType": {string(models.WebRTCVideo)},
		"EventActor": {
			string(models.ActorAPIKey), string(models.ActorAccessToken), string(models.ActorAvatarServer),
			string(models.ActorParticipant), string(models.ActorSystem), string(models.ActorOperator),
		},
		"SessionEventType": {
			string(models.EventCreated), string(models.EventRoomReady), string(models.EventStartRequested),
			string(models.EventStarted), string(models.EventClientConnected), string(models.EventClientLeft), string(models.EventParticipantJoined), string(models.EventParticipantLeft),
			string(models.EventAvatarLost), string(models.EventAvatarRecovered), string(models.EventMetadataUpdated),
			string(models.EventAccessTokenRotated), string(models.EventExpiring), string(models.EventEnded),
		},
		"WebhookDisabledReason": {
			string(models.DisabledByRequest), string(models.DisabledFailing), string(models.DisabledGone),
		},
		"WebhookDeliveryState": {
			string(models.DeliveryPending), string(models.DeliverySending), string(models.DeliveryDelivered), string(models.DeliveryFailed),
		},
		"ErrorCode": {
			string(models.KindInvalidInput), string(models.KindNotFound), string(models.KindSessionEnded),
			string(models.KindConcurrencyLimit), string(models.KindQuotaExhausted), string(models.KindNoAvatarServer),
			string(models.KindAvatarNotReady), string(models.KindIdempotencyMismatch), string(models.KindAvatarArchived),
		},
	} {
		var declared []string
		for _, v := range schema.Types[name].EnumValues {
			declared = append(declared, v.Name)
		}
		if diff := cmp.Diff(values, declared); diff != "" {
			t.Errorf("%s (-models +schema):\n%s", name, diff)
		}
	}
}
