package config_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/config"
)

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	const dev = "serve --dev "
	for name, tc := range map[string]struct {
		args string
		env  []string
		// says is how its one problem begins.
		says string
	}{
		"ProductionWithoutDailyKey":   {args: "serve", says: "DAILY_API_KEY is not set: take it from"},
		"PostgresWithoutSecret":       {args: dev + "--database postgres://u:hunter2@db/greenroom", says: "GREENROOM_SECRET is required with PostgreSQL: set"},
		"ShortSecret":                 {args: dev, env: []string{"GREENROOM_SECRET=hunter2"}, says: "GREENROOM_SECRET has 7 bytes: set at least 32"},
		"OtherDatabase":               {args: dev + "--database mysql://u:hunter2@db/x", says: "--database is neither sqlite:FILE nor postgres://"},
		"SQLiteWithoutFile":           {args: dev + "--database sqlite:", says: "--database sqlite: needs a file"},
		"SQLiteInMemory":              {args: dev + "--database sqlite::memory:", says: "--database sqlite: needs a file"},
		"SQLiteWithParameters":        {args: dev + "--database sqlite:a.db?mode=ro", says: "--database sqlite: needs a file"},
		"PostgresThatIsNoURL":         {args: dev + "--database postgres://u:hunter2%zz@db/x", env: []string{"GREENROOM_SECRET=" + strings.Repeat("s", 32)}, says: "--database names no PostgreSQL server: set it as"},
		"ListenWithoutPort":           {args: dev + "--listen localhost", says: `--listen is "localhost": set HOST:PORT`},
		"ListenOnNoPort":              {args: dev + "--listen localhost:70000", says: `--listen is "localhost:70000": set HOST:PORT`},
		"DevBeyondLoopback":           {args: dev + "--listen 0.0.0.0:8080", says: "--dev has a well-known key and may be reached from this machine only: set --listen 127.0.0.1:8080"},
		"DevOnEveryAddress":           {args: dev + "--listen :8080", says: "--dev has a well-known key"},
		"DevOnAName":                  {args: dev + "--listen example.com:80", says: "--dev has a well-known key"},
		"EveryAddressWithoutURL":      {args: "serve --listen [::]:8080", env: production, says: "--listen [::]:8080 is every address of this machine, which tells clients none: set --public-url"},
		"AdminWithoutPort":            {args: dev + "--admin-listen localhost", says: `--admin-listen is "localhost": set HOST:PORT`},
		"AdminWhereClientsConnect":    {args: dev + "--admin-listen 127.0.0.1:8080", says: "--admin-listen and --listen are both 127.0.0.1:8080"},
		"PublicURLOfOtherScheme":      {args: dev + "--public-url ftp://example.com", says: "--public-url is not the address of a server: set it as https://HOST"},
		"PublicURLWithoutHost":        {args: dev + "--public-url https://:443", says: "--public-url is not the address"},
		"PublicURLWithPath":           {args: dev + "--public-url https://example.com/api", says: "--public-url is not the address"},
		"PublicURLWithQuery":          {args: dev + "--public-url https://example.com?a=b", says: "--public-url is not the address"},
		"PublicURLWithPassword":       {args: dev + "--public-url https://u:hunter2@example.com", says: "--public-url is not the address"},
		"AnyOrigin":                   {args: dev + "--allowed-origins *", says: `--allowed-origins has "*": name each origin in full`},
		"AnySubdomain":                {args: dev + "--allowed-origins https://*.example.com", says: `--allowed-origins has "https://*.example.com": name each`},
		"OriginWithoutScheme":         {args: dev + "--allowed-origins app.example.com", says: `--allowed-origins has "app.example.com": set each as scheme://host`},
		"OriginWithSlash":             {args: dev + "--allowed-origins https://a.example,https://b.example/", says: `--allowed-origins has "https://b.example/": set each`},
		"NullOrigin":                  {args: dev + "--allowed-origins null", says: `--allowed-origins has "null": set each`},
		"ProxyThatIsNoNetwork":        {args: dev + "--trusted-proxies 10.0.0.1", says: "--trusted-proxies names no networks: set each as 10.0.0.0/8"},
		"NATSWithoutHost":             {args: dev, env: []string{"NATS_URL=localhost"}, says: "NATS_URL names no server: set it as nats://"},
		"DailyURLThatIsNone":          {args: "serve --daily-api-url api.daily.co", env: production, says: "DAILY_API_URL is not an address: set it as https://HOST/v1"},
		"WebhookSecretNotBase64":      {args: "serve", env: append([]string{"DAILY_WEBHOOK_SECRET=hunter2"}, production...), says: "DAILY_WEBHOOK_SECRET is not base64 of at least 16 bytes: set"},
		"WebhookSecretTooShort":       {args: "serve", env: append([]string{"DAILY_WEBHOOK_SECRET=aHVudGVyMg=="}, production...), says: "DAILY_WEBHOOK_SECRET is not base64 of at least 16 bytes: set"},
		"EnvironmentWithADash":        {args: dev + "--environment eu-1", says: `--environment is "eu-1": set 1 to 12 of a-z and 0-9`},
		"DurationWithoutUnit":         {args: dev + "--start-window 10", says: "--start-window is no duration: set a number with its unit"},
		"DurationInEnvironment":       {args: dev, env: []string{"GREENROOM_CREATE_WAIT=long"}, says: "GREENROOM_CREATE_WAIT is no duration: set a number with its unit"},
		"DurationInFile":              {args: dev + "--config " + file(t, `{"create-wait": 15}`), says: `"create-wait" in the configuration file is no duration: set`},
		"WebhooksToNoNetwork":         {args: dev + "--webhook-allow-private 10.0.0.1", says: "--webhook-allow-private names no networks: set each as 10.0.0.0/8"},
		"WebhooksWithoutTime":         {args: dev + "--webhook-timeout 1ms", says: "--webhook-timeout is 1ms: set 1s to 1m0s"},
		"NegativeDuration":            {args: dev + "--create-wait=-1s", says: "--create-wait is -1s: set 10ms to 1m0s"},
		"TooLongToStart":              {args: dev + "--start-give-up 5m", says: "--start-give-up is 5m0s: set 20s to 2m0s"},
		"GiveUpBeforeCallersStop":     {args: dev + "--start-give-up 10s", says: "--start-give-up is 10s: set 20s to 2m0s"},
		"RateWithoutTime":             {args: dev + "--daily-calls 100", says: "--daily-calls cannot be read: want a count and a time, such as 100/5s"},
		"RateOfNothing":               {args: dev + "--daily-deletes 0/1s", says: "--daily-deletes cannot be read: want a count and a time"},
		"NoTokens":                    {args: dev + "--max-tokens 0", says: "--max-tokens is 0: set 100 to 20000"},
		"NegativeAliases":             {args: dev + "--max-aliases=-1", says: "--max-aliases is -1: set 0 to 1000"},
		"BodyBelowADocument":          {args: dev + "--max-document-bytes 65536 --max-body-bytes 32768", says: "--max-body-bytes is 32768: set 65536 to 16777216"},
		"NoSocketForAnAccount":        {args: dev + "--max-account-sockets 0", says: "--max-account-sockets is 0: set 1 to 1000000"},
		"NoOperationForAToken":        {args: dev, env: []string{"GREENROOM_MAX_TOKEN_OPERATIONS=0"}, says: "--max-token-operations is 0: set 1 to 1000000"},
		"DocumentWithoutEnd":          {args: dev + "--max-body-bytes 16777216", env: []string{"GREENROOM_MAX_DOCUMENT_BYTES=9999999"}, says: "--max-document-bytes is 9999999: set 1024 to 1048576"},
		"FewerRepeatsByFragments":     {args: dev + "--max-repeats 50", says: "--max-fragment-repeats is 25: set 50 to 1000"},
		"NoLargeFrames":               {args: dev + "--max-large-frames 0", says: "--max-large-frames is 0: set 1 to 1024"},
		"LargeFramesBeyondMemory":     {args: dev, env: []string{"GREENROOM_MAX_LARGE_FRAMES=9999"}, says: "--max-large-frames is 9999: set 1 to 1024"},
		"LimitThatIsNoNumber":         {args: dev, env: []string{"GREENROOM_MAX_COST=cheap"}, says: "GREENROOM_MAX_COST is no whole number: set one"},
		"LimitThatIsAFraction":        {args: dev + "--config " + file(t, `{"max-depth": 7.5}`), says: `"max-depth" in the configuration file is no whole number`},
		"LogLevel":                    {args: dev + "--log-level loud", says: "--log-level is no level: set debug, info, warn or error"},
		"LogFormat":                   {args: dev + "--log-format xml", says: `--log-format is "xml": set json or text`},
		"PlansThatAreNoJSON":          {args: dev + "--plans free", says: "--plans cannot be read: want a JSON object of plans"},
		"PlansWithUnknownLimit":       {args: dev, env: []string{`GREENROOM_PLANS={"pro":{"maxSessions":1}}`}, says: `GREENROOM_PLANS cannot be read: want a JSON object of plans: json: unknown field "maxSessions"`},
		"PlanThatAllowsNothing":       {args: dev, env: []string{`GREENROOM_PLANS={"pro":{"maxConcurrentSessions":0}}`}, says: `plan "pro": maxConcurrentSessions is 0: set 1 or more`},
		"PlanWithTooManyMinutes":      {args: dev, env: []string{`GREENROOM_PLANS={"pro":{"includedMinutes":2147483647}}`}, says: `plan "pro": includedMinutes is 2147483647: set 1 or more, at most 35791394`},
		"PlanKeyWithASpace":           {args: dev, env: []string{`GREENROOM_PLANS={"pro":{},"Big one":{}}`}, says: `plan "Big one": a key is`},
		"DevWithoutItsPlan":           {args: dev, env: []string{`GREENROOM_PLANS={"solo":{}}`}, says: `--dev puts its account on the plan "pro": add it`},
		"NoPlan":                      {args: "serve --plans {}", env: production, says: "--plans names no plan: set at least one"},
		"UnknownVariable":             {args: dev, env: []string{"GREENROOM_LISTN=127.0.0.1:1"}, says: "GREENROOM_LISTN is not a setting: did you mean GREENROOM_LISTEN?"},
		"VariableLikeNoOther":         {args: dev, env: []string{"GREENROOM_COLOUR_SCHEME=red"}, says: "GREENROOM_COLOUR_SCHEME is not a setting: remove it"},
		"FlagWithoutValue":            {args: dev + "--public-url", says: "--public-url cannot be read: it has no value"},
		"UnknownFlag":                 {args: dev + "--lisen 127.0.0.1:1", says: "unknown flag --lisen"},
		"UnknownKey":                  {args: dev + "--config " + file(t, `{"start_window": "1m"}`), says: `"start_window" in `},
		"KeyOfAnotherCommand":         {args: dev + "--config " + file(t, `{"name": "x"}`), says: `"name" in `},
		"KeyGivenTwice":               {args: dev + "--config " + file(t, `{"listen": "127.0.0.1:1", "listen": "127.0.0.1:2"}`), says: `"listen" is in `},
		"NullInFile":                  {args: dev + "--config " + file(t, `{"listen": null}`), says: `"listen" in `},
		"FileThatIsMissing":           {args: dev + "--config /does/not/exist.json", says: "read the file that --config names: open"},
		"FileThatIsNoObject":          {args: dev + "--config " + file(t, `[]`), says: "/"},
		"FileCutShort":                {args: dev + "--config " + file(t, `{"dev": true`), says: "/"},
		"FileWithSomethingBehind":     {args: dev + "--config " + file(t, `{} {}`), says: "/"},
		"OperatorsCommandWithBadURL":  {args: "key --name x --database mysql://x", says: "--database is neither"},
		"OperatorsCommandWithoutName": {args: "key", says: "missing flags: --name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, tc.args, tc.env...)
			problem, ok := errors.AsType[*config.Error](err)
			if !ok {
				t.Fatalf("got %v, want a config.Error", err)
			}
			if len(problem.Problems) != 1 || !strings.HasPrefix(problem.Problems[0], tc.says) {
				t.Errorf("got %q, want one problem that begins %q", problem.Problems, tc.says)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats a secret: %v", err)
			}
		})
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	path := file(t, `{"start-window": "soon", "colour": 1}`)
	_, err := parse(t, "serve --listen nowhere --log-format xml --config "+path, "GREENROOM_SWEEP_INTERVAL=1h", "GREENROOM_DATABAS=sqlite:x", "GREENROOM_SECRET=short")
	problem, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("got %v, want a config.Error", err)
	}
	var subjects []string
	for _, p := range problem.Problems {
		subject, _, _ := strings.Cut(p, " ")
		subjects = append(subjects, subject)
	}
	want := []string{`"colour"`, `"start-window"`, "GREENROOM_DATABAS", "--listen", "GREENROOM_SECRET", "DAILY_API_KEY", "--sweep-interval", "--log-format"}
	if diff := cmp.Diff(want, subjects); diff != "" {
		t.Errorf("%s\n%v", diff, err)
	}
	if !strings.HasPrefix(err.Error(), "8 problems with the configuration:\n") {
		t.Errorf("error begins %q", err)
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	listening := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4321}
	for public, want := range map[string]string{
		"":                         "http://127.0.0.1:4321",
		"https://api.example.com":  "https://api.example.com",
		"https://api.example.com/": "https://api.example.com",
	} {
		c := config.Config{PublicURL: public}
		if got := c.BaseURL(listening); got != want {
			t.Errorf("BaseURL with %q is %q, want %q", public, got, want)
		}
	}
}
